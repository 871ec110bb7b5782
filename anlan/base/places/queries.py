"""Reads of areas and places, each inside what the actor sees."""

from django.db.models import QuerySet

from anlan.kernel.actor import Actor
from anlan.kernel.errors import NotFound

from .models import Area, AreaQuerySet, Place, PlaceQuerySet
from .rules import ancestors


def visible_places(actor: Actor) -> PlaceQuerySet:
    return Place.objects.visible_to(actor)


def search_places(places: QuerySet[Place], text: str) -> QuerySet[Place]:
    """By name, code, town or pinyin initials; each word must be found; two characters are enough."""
    for word in text.lower().split():
        places = places.filter(search_text__contains=word)
    return places


def visible_areas(actor: Actor) -> AreaQuerySet:
    return Area.objects.visible_to(actor)


def place(actor: Actor, code: str) -> Place:
    """One place by code. Raises NotFound where the actor does not see it: it is not told that it exists."""
    found = visible_places(actor).filter(code=code).first()
    if found is None:
        raise NotFound("places.not_found", f"没有编号为 {code} 的对象，或不在您的辖区内", "请检查编号，或用搜索")
    return found


def area_names(codes: set[str] | None = None) -> dict[str, str]:
    """Names by code; of all areas, or of those asked for and everything above them."""
    areas = Area.objects.all()
    if codes is not None:
        areas = areas.filter(code__in={above for code in codes for above in ancestors(code)})
    return dict(areas.values_list("code", "name"))


def full_name(code: str, names: dict[str, str]) -> str:
    """Town and village of a code, as people say it: 石坡乡 盆底村."""
    parts = [names[above] for above in reversed(ancestors(code)) if len(above) > 6 and above in names]
    return " ".join(parts) or names.get(code[:6], code)
