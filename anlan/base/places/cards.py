"""The registry of cards on a place's page: a slice above adds the address of a fragment and who may see it."""

from dataclasses import dataclass

from anlan.kernel.registry import Registry


@dataclass(frozen=True)
class PlaceCard:
    """url_name: an address that takes the place's code and answers an htmx fragment, "" when it has nothing to say.

    parts: live parts whose change fetches it again. kinds: place kinds it is for, () = all. side: right column.
    """

    url_name: str
    permission: str
    parts: str = ""
    kinds: tuple[str, ...] = ()
    side: bool = False


PLACE_CARDS: Registry[PlaceCard] = Registry("place card")
