"""Finding places, and who is told that they exist."""

import pytest

from anlan.base.places.commands import NewPlace, create_places, set_attributes
from anlan.base.places.models import Place
from anlan.base.places.queries import area_names, full_name, place, search_places, visible_areas, visible_places
from anlan.base.places.rules import ancestors, initials, strip_code
from anlan.kernel.actor import Actor, system_actor
from anlan.kernel.errors import Invalid, NotFound, NotPermitted
from anlan.kernel.modes import Mode
from tests.cast import LIMITS, NOW, SYSTEM, Cast

pytestmark = [pytest.mark.django_db, pytest.mark.both]


def found(cast: Cast, username: str, text: str) -> list[str]:
    places = search_places(visible_places(cast.actor(username)), text)
    return list(places.order_by("code").values_list("code", flat=True))


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("安口村山洪危险区", ["WX1"]),  # the whole name
        ("安口", ["WX1", "YL1", "YL2"]),  # two characters
        ("wx2", ["WX2"]),  # a code, in either case
        ("WX2", ["WX2"]),
        ("akcshwxq", ["WX1"]),  # initials
        ("ak", ["WX1", "YL1", "YL2"]),
        ("石坡 雨量", ["YL1", "YL2"]),  # each word must be found; the town counts
        ("安口 店上", []),
        ("", ["WX1", "WX2", "YL1", "YL2", "YL3"]),
        ("%", []),  # no wildcard of the database
        ("_", []),
    ],
)
def test_a_place_is_found_by_name_code_town_and_initials(cast: Cast, text: str, codes: list[str]) -> None:
    assert found(cast, "zhiban", text) == codes


def test_search_stays_inside_the_scope(cast: Cast) -> None:
    assert found(cast, "dianshang", "雨量") == ["YL3"]
    assert found(cast, "dianshang", "安口") == []
    assert found(cast, "shipo", "") == ["WX1", "YL1", "YL2"]


def test_a_place_out_of_scope_is_not_told_to_exist(cast: Cast) -> None:
    assert place(cast.actor("shipo"), "WX1").people_at_risk == 438
    for username, code in (("dianshang", "WX1"), ("zhiban", "WX9")):
        with pytest.raises(NotFound) as refused:
            place(cast.actor(username), code)
        assert refused.value.message == f"没有编号为 {code} 的对象，或不在您的辖区内"


def test_kinds_and_modes_never_mix(cast: Cast) -> None:
    gauges_only = Actor(name="水利", areas=("140427",), kinds=frozenset({"rain_gauge"}), mode=Mode.DRILL)
    assert set(visible_places(gauges_only).values_list("kind", flat=True)) == {"rain_gauge"}
    assert not visible_places(system_actor("real", Mode.REAL)).exists()
    assert not visible_places(Actor(name="nobody", mode=Mode.DRILL)).exists()


def test_areas_are_the_own_subtree_and_the_way_to_it(cast: Cast) -> None:
    codes = set(visible_areas(cast.actor("shipo")).values_list("code", flat=True))
    assert codes == {"14", "1404", "140427", "140427203", "140427203204", "140427203206"}


def test_names_of_an_area_and_what_is_above_it(cast: Cast) -> None:
    names = area_names({"140427203204"})
    assert full_name("140427203204", names) == "石坡乡 安口村委会"
    assert full_name("140427", names) == "壶关县"
    assert ancestors("140427203204") == ["140427203204", "140427203", "140427", "1404", "14"]


def test_codes_and_initials() -> None:
    assert strip_code("140427203000", "town") == "140427203"
    assert initials("石坡乡") == "spx"
    for code, level in (("140427203001", "town"), ("14042720300", "town"), ("140427203000", "hamlet")):
        with pytest.raises(ValueError):
            strip_code(code, level)


def test_a_bad_place_is_named_and_nothing_is_stored(cast: Cast) -> None:
    before = Place.objects.count()
    good = {"station": "1404270009", "interval_min": 5}
    for bad in (
        NewPlace("B1", "没有区划", "rain_gauge", "999999", 113.0, 36.0, good),
        NewPlace("B2", "经纬反了", "rain_gauge", "140427203204", 36.0, 113.0, good),
        NewPlace("B3", "没有站址", "rain_gauge", "140427203204", 113.0, 36.0, {"interval_min": 5}),
        NewPlace("B4", "没有这类", "teapot", "140427203204", 113.0, 36.0),
    ):
        with pytest.raises(Invalid):
            create_places(SYSTEM, [NewPlace("OK", "好", "rain_gauge", "140427203204", 113.0, 36.0, good), bad], now=NOW)
    assert Place.objects.count() == before


def test_limits_are_changed_inside_the_own_area_only(cast: Cast) -> None:
    admin = cast.actor("guanli")
    changed = {**cast.places["WX1"].attributes, "limits": {**LIMITS, "1h": {"prepare": 30.0, "now": 45.0}}}
    set_attributes(admin, cast.places["WX1"], changed, now=NOW)
    assert Place.objects.get(code="WX1").attributes["limits"]["1h"]["now"] == 45.0
    with pytest.raises(NotPermitted):
        set_attributes(cast.actor("zhiban"), cast.places["WX1"], changed, now=NOW)
    elsewhere = Actor(
        name="x", areas=("140428",), permissions=frozenset({"places.write"}), mode=Mode.DRILL
    )  # may write, but not here
    with pytest.raises(NotPermitted):
        set_attributes(elsewhere, cast.places["WX1"], changed, now=NOW)
