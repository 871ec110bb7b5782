"""A demo site from nothing: real division names, synthetic points, people, gauges and danger areas.

Every number here is invented for a drill and marked so. Seeds are fixed: two fresh demo sites are alike.
"""

import csv
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from django.core.management import call_command
from django.db import connections

from anlan.base.journal.models import Entry
from anlan.base.people.commands import NewPost, create_account, create_persons, create_posts
from anlan.base.people.models import Person, Post
from anlan.base.places.commands import NewPlace, create_places, import_areas
from anlan.base.places.models import Place
from anlan.base.places.rules import strip_code
from anlan.kernel.actor import system_actor
from anlan.kernel.modes import Mode
from anlan.kernel.packs import SHIPPED
from anlan.loop.sensing.commands import register_device
from anlan.site.config import ConfigError

from .control import COUNTY, DEMO_START, LOGINS, PASSWORD

SEED = 140427
GAUGES = 60
RIVERS = 4
DANGER_AREAS = 36
STATION_PASSWORD = "1234"  # noqa: S105  what the synthetic gauges send
ACTOR = system_actor("demo", Mode.DRILL)
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = "建国志强秀兰海军丽华永生玉梅文斌春生桂英晓东爱民红霞国平金锁小军月娥长青改莲卫东"  # two characters each


def rows(name: str) -> list[dict[str, str]]:
    """Rows of one CSV of the area packs."""
    with (SHIPPED / "areas" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def short(name: str) -> str:
    """安口村委会 → 安口村; 和平社区居委会 → 和平社区."""
    for tail, keep in (("村委会", "村"), ("社区居委会", "社区"), ("居委会", "社区"), ("村民委员会", "村")):
        if name.endswith(tail):
            return name[: -len(tail)] + keep
    return name


def seed(folder: Path) -> bool:
    """Fill a demo site that is new. Returns False where it is filled already.

    On PostgreSQL the database outlives the folder: what an earlier demo left there is emptied first. Raises ConfigError
    where anything in it is not a demo's.
    """
    if (folder / "seeded").exists():
        return False
    if Entry.objects.exists():
        _empty()
    now = datetime.fromtimestamp(DEMO_START, UTC)
    import_areas(ACTOR, rows("divisions.csv"), valid_from=date(2023, 6, 30), now=now)
    villages = rows("villages.csv")
    chooser = random.Random(SEED)  # noqa: S311  a fixed drill, not a secret
    _places(villages, chooser, now)
    posts = _posts(villages, chooser, now)
    _accounts(posts, now)
    (folder / "seeded").touch()
    return True


def _empty() -> None:
    if Entry.objects.exclude(mode=Mode.DRILL).exists():
        raise ConfigError("数据库里有真实数据，演示站点不动它。正式使用请设 ANLAN_DEMO=false；演示请换一个数据库")
    for alias in connections:
        call_command("flush", database=alias, interactive=False, verbosity=0)


def _village_places(villages: list[dict[str, str]]) -> Iterator[NewPlace]:
    for row in villages:
        code = strip_code(row["code"], "village")
        yield NewPlace(
            f"C{code}",
            short(row["name"]),
            "village",
            code,
            float(row["lon"]),
            float(row["lat"]),
            {"population": int(row["population"]), "urban": row["kind"] == "urban"},
            synthetic=True,
        )


def spread(villages: list[dict[str, str]], count: int, start: int = 0) -> list[dict[str, str]]:
    """`count` villages far from one another: farthest-point order, so any number of them covers the county."""
    points = [(float(row["lon"]), float(row["lat"])) for row in villages]
    chosen = [start]
    nearest = [_square(point, points[start]) for point in points]
    while len(chosen) < min(count, len(points)):
        index = max(range(len(points)), key=nearest.__getitem__)
        chosen.append(index)
        nearest = [min(old, _square(point, points[index])) for old, point in zip(nearest, points, strict=True)]
    return [villages[index] for index in chosen]


def _square(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Squared distance in degrees of latitude; a degree of longitude is 0.81 of one here."""
    return ((a[0] - b[0]) * 0.81) ** 2 + (a[1] - b[1]) ** 2


def _places(villages: list[dict[str, str]], chooser: random.Random, now: datetime) -> None:
    here = [row for row in villages if row["county_code"].startswith(COUNTY)]
    gauges = []
    for number, row in enumerate(spread(here, GAUGES), 1):
        gauges.append(
            NewPlace(
                f"YL{COUNTY}{number:03d}",
                f"{short(row['name'])}雨量站",
                "rain_gauge",
                strip_code(row["code"], "village"),
                float(row["lon"]) + 0.002,
                float(row["lat"]) + 0.001,
                {"station": f"{COUNTY}{number:04d}", "interval_min": 5},
                synthetic=True,
            )
        )
    rivers = []
    for number, row in enumerate(spread(here, RIVERS, start=20), 1):
        rivers.append(
            NewPlace(
                f"SW{COUNTY}{number:03d}",
                f"{short(row['name'])}水位站",
                "river_station",
                strip_code(row["code"], "village"),
                float(row["lon"]) - 0.003,
                float(row["lat"]) - 0.002,
                {
                    "station": f"{COUNTY}{900 + number:04d}",
                    "interval_min": 5,
                    "warning_stage": 3.2,
                    "guarantee_stage": 4.0,
                },
                synthetic=True,
            )
        )
    dangers = [_danger_area(number, row, gauges, chooser) for number, row in enumerate(danger_villages(here), 1)]
    places = create_places(ACTOR, [*_village_places(villages), *gauges, *rivers, *dangers], now=now)
    for place in places:
        if "station" in place.attributes:
            _register(place, now)


def danger_villages(here: list[dict[str, str]]) -> list[dict[str, str]]:
    """The 36 key villages: 安口村 (of the demo's village head), then the hills first, four a town."""
    by_town: dict[str, list[dict[str, str]]] = {}
    for row in here:
        if row["kind"] == "rural":
            by_town.setdefault(row["town_code"], []).append(row)
    head = [row for row in here if row["code"] == "140427203204"]
    chosen = head + [row for town in by_town.values() for row in spread(town, 4) if row not in head]
    return chosen[:DANGER_AREAS]


def _danger_area(number: int, row: dict[str, str], gauges: list[NewPlace], chooser: random.Random) -> NewPlace:
    """A synthetic danger area beside a village. Limits are near the North China values of disaster.md §4.2 [K-lo]."""
    lon, lat = float(row["lon"]) + 0.004, float(row["lat"]) - 0.003
    near = sorted(gauges, key=lambda gauge: _square((gauge.lon, gauge.lat), (lon, lat)))[:2]
    scale = 0.85 + chooser.random() * 0.3
    limits = {
        window: {"prepare": round(prepare * scale, 1), "now": round(go * scale, 1)}
        for window, (prepare, go) in {"1h": (28, 40), "3h": (42, 60), "6h": (58, 80), "24h": (85, 120)}.items()
    }
    people = 438 if number == 1 else chooser.randrange(30, 260)
    name = short(row["name"])
    return NewPlace(
        f"WX{COUNTY}{number:03d}",
        f"{name}山洪危险区",
        "danger_area",
        strip_code(row["code"], "village"),
        lon,
        lat,
        {
            "gauges": [gauge.code for gauge in near],
            "limits": limits,
            "village": strip_code(row["code"], "village"),
            "shelter": f"{name}小学",
            "lead_min": chooser.randrange(25, 70),
        },
        people_at_risk=people,
        households=round(people / 2.7),
        synthetic=True,
    )


def _register(place: Place, now: datetime) -> None:
    register_device(
        ACTOR, protocol="sl651", address=place.attributes["station"], place=place, password=STATION_PASSWORD, now=now
    )


class _People:
    """Hands out synthetic persons: a name from two lists, a number that no operator gives (199-0…)."""

    def __init__(self, chooser: random.Random) -> None:
        self.chooser = chooser
        self.rows: list[tuple[str, str]] = []

    def _given(self) -> str:
        at = self.chooser.randrange(len(GIVEN) // 2) * 2
        return GIVEN[at : at + 2]

    def new(self) -> int:
        name = self.chooser.choice(SURNAMES) + self._given()
        self.rows.append((name, f"1990{len(self.rows) + 1:07d}"))
        return len(self.rows) - 1


def _posts(villages: list[dict[str, str]], chooser: random.Random, now: datetime) -> dict[str, Post]:
    people = _People(chooser)
    plan = list(_post_plan(villages, people))
    persons: list[Person] = create_persons(ACTOR, people.rows, synthetic=True, now=now)

    def person(index: int | None) -> Person | None:
        return None if index is None else persons[index]

    return create_posts(
        ACTOR,
        [
            NewPost(code, title, role, area, superior, person(holder), person(deputy))
            for code, title, role, area, superior, holder, deputy in plan
        ],
        now=now,
    )


PostRow = tuple[str, str, str, str, str, int | None, int | None]


def _post_plan(villages: list[dict[str, str]], people: _People) -> Iterator[PostRow]:
    """All posts, superiors first: county, towns, villages, monitors of the danger areas."""
    for county in sorted({row["county_code"] for row in villages}):
        code = strip_code(county, "county")
        yield (f"leader:{code}", "防汛指挥长", "headquarters_leader", code, "", people.new(), people.new())
        yield (f"duty:{code}", "县值班员", "duty_officer", code, f"leader:{code}", people.new(), people.new())
    towns = {row["town_code"]: row["town"] for row in villages}
    for full, name in towns.items():
        code = strip_code(full, "town")
        yield (f"chief:{code}", f"{name}包乡领导", "town_leader", code, f"duty:{code[:6]}", people.new(), people.new())
        yield (f"town:{code}", f"{name}值班员", "town_officer", code, f"chief:{code}", people.new(), people.new())
    for row in villages:
        code, name = strip_code(row["code"], "village"), short(row["name"])
        deputy = people.new() if code.startswith(COUNTY) else None
        yield (f"village:{code}", f"{name}责任人", "village_head", code, f"town:{code[:9]}", people.new(), deputy)
    for row in danger_villages([row for row in villages if row["county_code"].startswith(COUNTY)]):
        code, name = strip_code(row["code"], "village"), short(row["name"])
        yield (f"monitor:{code}", f"{name}监测员", "monitor", code, f"village:{code}", people.new(), None)


def _accounts(posts: Mapping[str, Post], now: datetime) -> None:
    for login in LOGINS:
        holding = posts[login.post].holdings.filter(rank=1).select_related("person").first() if login.post else None
        create_account(
            ACTOR,
            username=login.username,
            password=PASSWORD,
            title=login.title,
            role=login.role,
            area_code=login.area_code,
            person=holding.person if holding else None,
            now=now,
        )
