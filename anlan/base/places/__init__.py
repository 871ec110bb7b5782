"""The statutory tree of areas, and the places that somebody answers for."""
