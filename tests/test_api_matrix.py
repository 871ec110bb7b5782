"""Acts × roles over HTTP, by page and by API: who may do what, and that a refusal changes nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client

from tests.cast import Cast
from tests.scene import PNG, Scene, everything, make_scene, site_at_now

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.both]
OK = 200


@dataclass(frozen=True)
class Act:
    """One act: its address on the pages and in the API, and what is sent (a form, or the same as JSON)."""

    page: Callable[[Scene], str]
    api: Callable[[Scene], str]
    data: dict[str, Any]
    form: bool = False


def _task(name: str, which: str = "owed", **data: Any) -> Act:
    return Act(
        lambda s: f"/tasks/{getattr(s, which).id}/{name}", lambda s: f"/tasks/{getattr(s, which).id}/{name}", data
    )


def _call(name: str, **data: Any) -> Act:
    return Act(lambda s: f"/call/{s.call.id}/{name}", lambda s: f"/calls/{s.call.id}/{name}", data)


def _alarm(name: str, which: str, **data: Any) -> Act:
    return Act(
        lambda s: f"/alarms/{getattr(s, which).id}/{name}", lambda s: f"/alarms/{getattr(s, which).id}/{name}", data
    )


ACTS = {
    "accept": _task("accept"),
    "evidence": Act(
        lambda s: f"/tasks/{s.owed.id}/evidence",
        lambda s: f"/tasks/{s.owed.id}/evidence",
        {"kind": "count", "number": "3"},
        form=True,
    ),
    "submit": _task("submit"),
    "verify": _task("verify", "handed_in"),
    "send_back": _task("send_back", "handed_in", reason="照片看不清"),
    "cancel": _task("cancel", reason="不用去了"),
    "acknowledge": _alarm("acknowledge", "alarm"),
    "clear": _alarm("clear", "eased", reason="现场无险情"),
    "close": Act(
        lambda s: f"/incidents/{s.incident.number}/close",
        lambda s: f"/incidents/{s.incident.number}/close",
        {"note": "全部叫醒"},
    ),
    "escalate": _call("escalate"),
    "door": _call("door"),
    "redial": _call("redial"),
    "reached": _call("reached", reason="微信回了"),
    "unreachable": _call("unreachable", reason="外出务工"),
    "stop": Act(
        lambda s: f"/calls/{s.campaign.number}/cancel",
        lambda s: f"/campaigns/{s.campaign.number}/cancel",
        {"reason": "误报"},
    ),
}
TASK = ("accept", "evidence", "submit")
OVER = ("verify", "send_back", "cancel")
STEER = ("escalate", "door", "redial", "reached", "unreachable")
# "close" finds an alarm that is still active: 409 for whoever may close.
EXPECTED: dict[str, dict[str, int]] = {
    "zhiban": dict.fromkeys(ACTS, OK) | {"close": 409},
    "zhihui": dict.fromkeys(ACTS, OK) | {"close": 409},
    "shipo": dict.fromkeys(ACTS, OK) | {"clear": 403, "close": 403},
    "dianshang": dict.fromkeys(ACTS, 404),
    "cunzhang": dict.fromkeys(ACTS, 403) | dict.fromkeys(TASK, OK) | {"close": 404},
    "guanli": dict.fromkeys(ACTS, 403) | dict.fromkeys(TASK + OVER, 404),
    "shenji": dict.fromkeys(ACTS, 403) | dict.fromkeys(TASK + OVER, 404),
}


@pytest.fixture
def scene(cast: Cast) -> Iterator[Scene]:
    with site_at_now():
        yield make_scene(cast)


def send(client: Client, way: str, act: Act, scene: Scene) -> int:
    """Do an act by a page or by the API; a page's redirect counts as 200, as does 201."""
    url = act.page(scene) if way == "page" else f"/api/v1{act.api(scene)}"
    if way == "page" or act.form:
        status = client.post(url, act.data).status_code
    else:
        status = client.post(url, act.data, content_type="application/json").status_code
    return OK if status in (201, 302) else status


@pytest.mark.parametrize("way", ["page", "api"])
@pytest.mark.parametrize("username", EXPECTED)
def test_each_role_does_its_acts_and_a_refused_one_changes_nothing(scene: Scene, username: str, way: str) -> None:
    client = Client()
    client.force_login(scene.cast.accounts[username])
    before = everything()
    seen: dict[str, int] = {}
    for name, act in ACTS.items():
        with transaction.atomic():  # each act meets the same night
            seen[name] = send(client, way, act, scene)
            after = everything()
            if seen[name] == OK:
                lines = len(after["journal.Entry"]) - len(before["journal.Entry"])
                assert lines >= 1, f"{name} left no line in the journal"
            else:
                assert after == before, f"{name} was refused and yet changed something"
            transaction.set_rollback(True)
    assert seen == EXPECTED[username]


@pytest.mark.parametrize("way", ["page", "api"])
@pytest.mark.parametrize(
    ("act", "status"),
    [
        (_task("verify", "owed"), 409),
        (_task("accept", "handed_in"), 409),
        (_task("submit", "handed_in"), 409),
        (_task("cancel", "owed", reason="  "), 422),
        (_task("send_back", "handed_in", reason=""), 422),
        (_alarm("clear", "alarm", reason=""), 422),
        (_call("reached", reason=""), 422),
        (_call("unreachable", reason=""), 422),
    ],
)
def test_an_act_out_of_turn_or_without_its_reason_changes_nothing(
    scene: Scene, act: Act, status: int, way: str
) -> None:
    client = Client()
    client.force_login(scene.cast.accounts["zhiban"])
    before = everything()
    assert send(client, way, act, scene) == status
    assert everything() == before


@pytest.mark.parametrize("way", ["page", "api"])
def test_without_a_csrf_token_nothing_is_done(scene: Scene, way: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(scene.cast.accounts["zhiban"])
    before = everything()
    assert {send(client, way, act, scene) for act in ACTS.values()} == {403}
    assert everything() == before


@pytest.mark.parametrize("way", ["page", "api"])
def test_without_a_login_nothing_is_done(scene: Scene, way: str) -> None:
    client, before = Client(), everything()
    answers = {send(client, way, act, scene) for act in ACTS.values()}
    assert answers == ({OK} if way == "page" else {401})  # the page leads to the login
    assert everything() == before


@pytest.mark.parametrize("username", EXPECTED)
def test_only_who_may_run_the_demo_steers_it(scene: Scene, username: str) -> None:
    client, folder = Client(), settings.CONFIG.data
    client.force_login(scene.cast.accounts[username])
    may = username in ("zhiban", "zhihui")
    for act, data, left in (
        ("start", {}, "storm_requested"),
        ("speed", {"speed": "4"}, "speed"),
        ("reset", {}, "reset_requested"),
    ):
        before = everything()
        status = client.post(f"/demo/{act}", data).status_code
        assert (status in (200, 302)) is may, act
        assert (folder / left).exists() is may, act
        assert may or (status, everything()) == (403, before)
        (folder / left).unlink(missing_ok=True)


@pytest.mark.parametrize("way", ["page", "api"])
def test_a_photo_is_stored_and_what_is_none_is_refused(scene: Scene, way: str) -> None:
    client = Client()
    client.force_login(scene.cast.accounts["cunzhang"])
    url = f"/tasks/{scene.owed.id}/evidence" if way == "page" else f"/api/v1/tasks/{scene.owed.id}/evidence"
    before = everything()
    bad = client.post(url, {"kind": "photo", "file": SimpleUploadedFile("door.jpg", b"MZ a program")})
    assert (bad.status_code, everything()) == (422, before)
    good = client.post(url, {"kind": "photo", "file": SimpleUploadedFile("door.jpg", PNG)})
    assert good.status_code in (201, 302)
    proof = scene.owed.evidence.get()
    with proof.file.open("rb") as file:
        assert file.read() == PNG
