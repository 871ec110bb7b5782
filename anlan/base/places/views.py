"""Places on screen: the list with search and filters, and one place's page with cards that slices above add."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from anlan.ui.language import say
from anlan.ui.requests import ActorRequest, page
from anlan.ui.tables import Column, Filter, Table

from .cards import PLACE_CARDS
from .kinds import kinds
from .models import Place
from .queries import area_names, full_name, place, search_places, visible_areas, visible_places


def _table(request: ActorRequest) -> Table[Place]:
    names = area_names()
    words = {key: say(pack.title) for key, pack in kinds().items()}
    towns = visible_areas(request.actor).filter(level="town").order_by("code").values_list("code", "name")
    inside = [(code, name) for code, name in towns if request.actor.sees_area(code)]
    return Table(
        columns=[
            Column("name", _("名称"), lambda p: p.name, sort="name", css="nowrap"),
            Column("kind", _("种类"), lambda p: words.get(p.kind, p.kind), sort="kind", css="nowrap"),
            Column("town", _("乡镇村"), lambda p: full_name(p.area_code, names), sort="area_code"),
            Column("people", _("受威胁人数"), lambda p: p.people_at_risk, sort="people_at_risk", css="r",
                   template="places/cell_people.html"),
            Column("households", _("户数"), lambda p: p.households, sort="households", css="r"),
            Column("code", _("编号"), lambda p: p.code, sort="code", css="nowrap"),
        ],
        filters=[
            Filter("q", _("搜索"), search_places, kind="text", placeholder=_("名称、编号、拼音首字母")),
            Filter("kind", _("种类"), lambda q, v: q.filter(kind=v), sorted(words.items())),
            Filter("town", _("乡镇"), lambda q, v: q.filter(area_code__startswith=v), inside),
        ],
        order=("-people_at_risk", "area_code"),
        url=lambda p: reverse("place", args=[p.code]),
        empty=_("没有符合条件的对象"),
        file_name=_("对象"),
    )  # fmt: skip


@page("places.read")
def place_list(request: ActorRequest) -> HttpResponse:
    """All places the actor sees. Answers 422 for a parameter it does not know."""
    return _table(request).answer(request, visible_places(request.actor), "places/list.html")


@page("places.read")
def place_page(request: ActorRequest, code: str) -> HttpResponse:
    """One place: its facts, and the cards of the slices above (responsible posts, rain, alarms)."""
    found = place(request.actor, code)
    pack = kinds().get(found.kind)
    facts = []
    named = {v for v in found.attributes.values() if isinstance(v, str) and v.isdigit()}  # codes of areas
    names = area_names({found.area_code, *named})
    for name, value in found.attributes.items():
        attribute = pack.attributes.get(name) if pack else None
        if attribute is None or attribute.type in ("limits", "codes"):
            continue
        facts.append((attribute.title, names.get(value, value) if isinstance(value, str) else value, attribute.unit))
    cards = [c for c in PLACE_CARDS.values() if c.suits(found.kind) and request.actor.may(c.permission)]
    linked = set(found.attributes.get("gauges", [])) | {found.attributes.get("village", "")}
    context = {
        "place": found,
        "kind": pack,
        "facts": facts,
        "limits": found.attributes.get("limits", {}),
        "linked": visible_places(request.actor).filter(code__in=linked - {""}),
        "where": full_name(found.area_code, names),
        "cards": cards,
        "chart": any(card.chart for card in cards),
    }
    return render(request, "places/page.html", context)
