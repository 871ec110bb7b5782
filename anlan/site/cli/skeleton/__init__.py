"""example: what this protocol is, which standard describes it, over which transport it comes."""
