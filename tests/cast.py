"""A fixed cast for tests: a district duty officer, a town officer, a village head, a stranger town, two administrators.

Two towns of 壶关 and one of 长子; a danger area beside 安口村 with two gauges.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from anlan.base.people.commands import NewPost, create_account, create_persons, create_posts
from anlan.base.people.models import Account, Person, Post
from anlan.base.people.queries import actor_for
from anlan.base.places.commands import NewPlace, create_places, import_areas
from anlan.base.places.models import Place
from anlan.kernel.actor import Actor, system_actor
from anlan.kernel.modes import Mode

NOW = datetime(2026, 7, 20, 14, 0, tzinfo=UTC)
SYSTEM = system_actor("test", Mode.DRILL)
PASSWORD = "anlan-demo"
AREAS = (
    ("140000000000", "山西省", "province", ""),
    ("140400000000", "长治市", "city", "140000000000"),
    ("140427000000", "壶关县", "county", "140400000000"),
    ("140428000000", "长子县", "county", "140400000000"),
    ("140427203000", "石坡乡", "town", "140427000000"),
    ("140427102000", "店上镇", "town", "140427000000"),
    ("140428100000", "丹朱镇", "town", "140428000000"),
    ("140427203204", "安口村委会", "village", "140427203000"),
    ("140427203206", "西河村委会", "village", "140427203000"),
    ("140427102200", "店上村委会", "village", "140427102000"),
)
LIMITS = {
    "1h": {"prepare": 25.0, "now": 40.0},
    "3h": {"prepare": 40.0, "now": 60.0},
    "6h": {"prepare": 58.0, "now": 80.0},
    "24h": {"prepare": 85.0, "now": 120.0},
}


@dataclass(frozen=True)
class Cast:
    """Everybody and everything a test needs, made once."""

    accounts: dict[str, Account]
    persons: dict[str, Person]
    posts: dict[str, Post]
    places: dict[str, Place]

    def actor(self, username: str) -> Actor:
        return actor_for(self.accounts[username], NOW)


def make_cast() -> Cast:
    """Lay areas, places, posts and accounts in the test database."""
    import_areas(
        SYSTEM,
        [dict(zip(("code", "name", "level", "parent_code"), row, strict=True)) for row in AREAS],
        valid_from=date(2023, 6, 30),
        now=NOW,
    )
    places = create_places(SYSTEM, _places(), now=NOW)
    keys = ["duty", "leader", "chief", "town", "town_deputy", "head", "head_deputy", "monitor", "dianshang", "zhangzi"]
    persons = dict(
        zip(
            keys,
            create_persons(
                SYSTEM, [(f"王{key[:1]}{n}", f"1990{n:07d}") for n, key in enumerate(keys, 1)], synthetic=True, now=NOW
            ),
            strict=True,
        )
    )
    posts = create_posts(SYSTEM, _posts(persons), now=NOW)
    logins = (
        ("zhiban", "duty_officer", "140427", "duty"),
        ("zhihui", "headquarters_leader", "140427", "leader"),
        ("shipo", "town_officer", "140427203", "town"),
        ("dianshang", "town_officer", "140427102", "dianshang"),
        ("cunzhang", "village_head", "140427203204", "head"),
        ("guanli", "system_administrator", "", None),
        ("shenji", "audit_administrator", "", None),
    )
    accounts = {
        username: create_account(
            SYSTEM,
            username=username,
            password=PASSWORD,
            title=username,
            role=role,
            area_code=area,
            person=persons[person] if person else None,
            now=NOW,
        )
        for username, role, area, person in logins
    }
    return Cast(accounts, persons, posts, {place.code: place for place in places})


def _places() -> list[NewPlace]:
    gauges = [
        NewPlace(
            f"YL{n}",
            f"安口{n}号雨量站",
            "rain_gauge",
            "140427203204",
            113.61 + n / 1000,
            35.94,
            {"station": f"140427000{n}", "interval_min": 5},
            synthetic=True,
        )
        for n in (1, 2)
    ]
    far = NewPlace(
        "YL3",
        "店上雨量站",
        "rain_gauge",
        "140427102200",
        113.35,
        36.06,
        {"station": "1404270003", "interval_min": 5},
        synthetic=True,
    )
    danger = NewPlace(
        "WX1",
        "安口村山洪危险区",
        "danger_area",
        "140427203204",
        113.615,
        35.938,
        {"gauges": ["YL1", "YL2"], "limits": LIMITS, "village": "140427203204"},
        people_at_risk=438,
        households=112,
        synthetic=True,
    )
    other = NewPlace(
        "WX2",
        "店上村山洪危险区",
        "danger_area",
        "140427102200",
        113.352,
        36.058,
        {"gauges": ["YL3"], "limits": LIMITS, "village": "140427102200"},
        people_at_risk=96,
        households=40,
        synthetic=True,
    )
    return [*gauges, far, danger, other]


def _posts(persons: dict[str, Person]) -> list[NewPost]:
    p = persons
    return [
        NewPost("leader:140427", "防汛指挥长", "headquarters_leader", "140427", "", p["leader"]),
        NewPost("duty:140427", "县值班员", "duty_officer", "140427", "leader:140427", p["duty"]),
        NewPost("chief:140427203", "石坡乡包乡领导", "town_leader", "140427203", "duty:140427", p["chief"]),
        NewPost(
            "town:140427203",
            "石坡乡值班员",
            "town_officer",
            "140427203",
            "chief:140427203",
            p["town"],
            p["town_deputy"],
        ),
        NewPost("town:140427102", "店上镇值班员", "town_officer", "140427102", "duty:140427", p["dianshang"]),
        NewPost(
            "village:140427203204",
            "安口村责任人",
            "village_head",
            "140427203204",
            "town:140427203",
            p["head"],
            p["head_deputy"],
        ),
        NewPost(
            "monitor:140427203204", "安口村监测员", "monitor", "140427203204", "village:140427203204", p["monitor"]
        ),
        NewPost("town:140428100", "丹朱镇值班员", "town_officer", "140428100", "", p["zhangzi"]),
    ]
