"""The language switch, and that an English page holds no Chinese but data: names, titles, what people wrote."""

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.utils.translation import override

from anlan.base.journal.sealing import seal_batch
from anlan.base.places.screens import boundary_features
from anlan.base.tasks.models import Task
from anlan.kernel.actor import system_actor
from anlan.kernel.modes import Mode
from anlan.ui.demo import DEMO_LOGINS
from anlan.ui.language import CHINESE, say
from tests.cast import NOW, Cast
from tests.scene import Scene, everything, let_it_rain, make_scene, site_at_now

pytestmark = pytest.mark.django_db(databases="__all__")
MASKED = re.compile(r"[\u4e00-\u9fff]\*\*")
OWN_NAME = re.compile(r'<button[^>]*lang="zh-hans"[^>]*>简体中文</button>')


@pytest.fixture
def scene(cast: Cast) -> Iterator[Scene]:
    with site_at_now():
        made = make_scene(cast)
        let_it_rain(cast)
        seal_batch()
        yield made


def english(scene: Scene, username: str) -> Client:
    client = Client()
    client.force_login(scene.cast.accounts[username])
    client.post("/language", {"language": "en"})
    return client


def _strings(value: Any) -> Iterator[str]:
    """Every Chinese string in a value, at any depth."""
    if isinstance(value, str):
        yield from [value] if CHINESE.search(value) else []
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)


def data() -> list[str]:
    """What stands in the tables, the counties' names on the map, the demo's accounts; the longest first."""
    found = {text for rows in everything().values() for text in _strings(rows)}
    found |= {feature["properties"]["label"] for feature in boundary_features(system_actor("test", Mode.DRILL), NOW)}
    found |= {login.title for login in DEMO_LOGINS.values()}
    return sorted(found, key=len, reverse=True)


def chinese_left(answer: HttpResponseBase) -> set[str]:
    """Chinese of a page or of a map layer that is no data."""
    assert isinstance(answer, HttpResponse)
    page = answer.content.decode()
    if answer.headers["Content-Type"] == "application/json":  # where it is written as \\u4e00
        page = json.dumps(json.loads(page), ensure_ascii=False)
    text = OWN_NAME.sub("", html.unescape(page))
    for known in data():
        text = text.replace(known, "")
    text = MASKED.sub("", text)
    return set(re.findall(rf"[^\n<>\"]*{CHINESE.pattern}[^\n<>\"]*", text))


PAGES = (
    "/desk/", "/desk/?kind=alarm", "/incidents/", "/calls/", "/work/", "/places/", "/places/?q=zzz", "/places/WX1/",
    "/places/YL1/", "/people/", "/journal/", "/map/", "/devices/", "/devices/unknown", "/places/WX1/rain",
    "/places/WX1/rain?view=table", "/places/YL1/rain", "/places/WX1/alarms", "/people/place/WX1",
    "/map/panel?place=WX1", "/map/panel?place=YL1", "/map/layers/rain", "/map/layers/danger", "/map/layers/alarms",
    "/map/layers/villages",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_an_english_page_holds_no_chinese_but_data(scene: Scene, path: str) -> None:
    answer = english(scene, "zhiban").get(path)
    assert answer.status_code == 200
    assert chinese_left(answer) == set()


@pytest.mark.parametrize("username", ["zhihui", "shipo", "cunzhang", "guanli", "shenji"])
def test_every_role_has_its_first_page_and_its_work_in_english(scene: Scene, username: str) -> None:
    client = english(scene, username)
    for path in ("/", "/work/", "/places/"):
        assert chinese_left(client.get(path, follow=True)) == set()


def test_pages_of_one_thing_are_english_too(scene: Scene) -> None:
    client = english(scene, "zhiban")
    Task.objects.filter(id=scene.owed.id).update(required=["text", "photo", "count", "signature"])
    for path in (
        f"/incidents/{scene.incident.number}/",
        f"/calls/{scene.campaign.number}/?view=all",
        f"/tasks/{scene.owed.id}/",
        f"/tasks/{scene.handed_in.id}/",
    ):
        answer = client.get(path)
        assert answer.status_code == 200
        assert (path, chinese_left(answer)) == (path, set())


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/desk/?kind=colour", 422),
        ("/places/?colour=red", 422),
        ("/places/?sort=colour", 422),
        ("/places/?kind=colour", 422),
        ("/places/nowhere/", 404),
        ("/incidents/nowhere/", 404),
        ("/calls/nowhere/", 404),
        ("/tasks/00000000-0000-7000-8000-000000000000/", 404),
    ],
)
def test_a_refusal_is_english(scene: Scene, path: str, status: int) -> None:
    answer = english(scene, "zhiban").get(path)
    assert answer.status_code == status
    assert chinese_left(answer) == set()


def test_refused_acts_and_the_api_speak_english(scene: Scene) -> None:
    client = english(scene, "zhiban")
    for path, body in (
        (f"/tasks/{scene.owed.id}/verify", {}),
        (f"/tasks/{scene.owed.id}/cancel", {"reason": ""}),
        (f"/incidents/{scene.incident.number}/close", {"note": "x"}),
        (f"/calls/{scene.call.id}/reached", {"reason": ""}),
    ):
        problem = client.post(f"/api/v1{path}", body, content_type="application/json").json()
        words = problem["message"] + problem["hint"]
        assert words
        for known in data():
            words = words.replace(known, "")
        assert not CHINESE.search(words), words
    stranger = english(scene, "guanli").get("/desk/")
    assert stranger.status_code == 403
    assert chinese_left(stranger) == set()


def test_a_program_asks_for_english_by_its_header(scene: Scene) -> None:
    client = Client()
    asked = client.get("/api/v1/me", headers={"Accept-Language": "en-GB,en;q=0.8"})
    assert asked.json()["message"] == "Log in first"
    assert client.get("/api/v1/me").json()["message"] == "请先登录"


def test_the_switch_is_kept_in_a_cookie_and_goes_back(scene: Scene) -> None:
    client = Client()
    assert 'lang="zh-hans"' in client.get("/login").content.decode()
    answer = client.post("/language", {"language": "en", "next": "/login?next=/desk/"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login?next=/desk/")
    page = client.get("/login")
    assert '<html lang="en"' in page.content.decode()
    assert chinese_left(page) == set()
    client.post("/language", {"language": "zh-hans"})
    assert "登录" in client.get("/login").content.decode()
    assert client.post("/language", {"language": "en", "next": "https://example.org/"}).headers["Location"] == "/"


def test_a_sentence_from_below_the_frame_is_found_again_with_its_values(scene: Scene) -> None:
    with override("en"):
        assert say("没有编号为 WX9 的对象，或不在您的辖区内") == "No place with code WX9, or it is outside your area"
        assert say("还缺：照片、人数") == "Still missing: Photo, Head count"
        assert say("副职 王** 3 次无人接") == "Deputy 王** 3 × no answer"
        assert say("22:41，听完 12 秒，微信回了") == "22:41, heard 12 s, 微信回了"
        assert say("石坡乡 安口村") == "石坡乡 安口村"
        assert say("") == ""
    assert say("还缺：照片") == "还缺：照片"
