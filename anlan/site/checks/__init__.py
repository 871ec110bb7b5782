"""Checks that `make check` runs over packs, translations and migrations. Each prints what is wrong and exits 1."""
