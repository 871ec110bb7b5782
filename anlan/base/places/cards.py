"""The registry of cards on a place's page: a slice above adds the address of a fragment and who may see it."""

from dataclasses import dataclass

from anlan.kernel.registry import Registry


@dataclass(frozen=True)
class PlaceCard:
    """url_name: an address that takes the place's code and the page's own query, and answers an htmx fragment that
    fetches itself again when its live parts change; empty when it has nothing to say.

    kinds: place kinds it is for, () = all. side: right column. chart: the page brings the chart library.
    """

    url_name: str
    permission: str
    kinds: tuple[str, ...] = ()
    side: bool = False
    chart: bool = False

    def suits(self, kind: str) -> bool:
        """Whether it stands on the page of a place of this kind."""
        return not self.kinds or kind in self.kinds


PLACE_CARDS: Registry[PlaceCard] = Registry("place card")
