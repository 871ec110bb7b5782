"""How the gauges of the bench are called, for those who lay the net and those who speak for it."""


def address(number: int) -> str:
    """The station address of a gauge of the net."""
    return f"77{number:08d}"
