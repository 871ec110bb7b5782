"""A telephone company for demos and tests: rings phones that do not exist, whose owners sleep as people do.

A program of its own. It speaks docs/voice-gateway.md and nothing else of Anlan; it shares only the site's clock file.
"""
