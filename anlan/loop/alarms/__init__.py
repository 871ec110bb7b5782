"""Signals judged to matter, and the incidents that gather them."""
