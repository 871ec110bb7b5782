"""The API under /api/v1: what each router answers, inside which scope, and how it refuses."""

import ast
import inspect
import json
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from anlan.base.journal.commands import COMMANDS
from anlan.base.journal.sealing import seal_batch
from anlan.base.people.models import Person
from anlan.site.api import ROUTERS
from tests.cast import Cast
from tests.scene import Scene, let_it_rain, make_scene, site_at_now

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.both]
LISTS = ("/areas", "/places", "/tasks", "/alarms", "/incidents", "/campaigns", "/posts", "/journal")


@pytest.fixture
def scene(cast: Cast) -> Iterator[Scene]:
    with site_at_now():
        made = make_scene(cast)
        let_it_rain(cast)
        seal_batch()
        yield made


class Api:
    """A client of one account."""

    def __init__(self, scene: Scene, username: str) -> None:
        self.client = Client()
        self.client.force_login(scene.cast.accounts[username])

    def get(self, path: str, **query: str) -> tuple[int, Any]:
        answer = self.client.get(f"/api/v1{path}", query)
        return answer.status_code, json.loads(answer.content)

    def items(self, path: str, **query: str) -> list[Any]:
        status, answer = self.get(path, **query)
        assert status == 200, answer
        items: list[Any] = answer["items"]
        assert answer["total"] == len(items)
        return items

    def post(self, path: str, **body: str) -> tuple[int, Any]:
        answer = self.client.post(f"/api/v1{path}", body, content_type="application/json")
        return answer.status_code, json.loads(answer.content)


@pytest.fixture
def duty(scene: Scene) -> Api:
    return Api(scene, "zhiban")


class TestWhatIsThere:
    def test_places_and_areas(self, duty: Api) -> None:
        danger = duty.items("/places", kind="danger_area", sort="people")
        assert [one["code"] for one in danger] == ["WX2", "WX1"]
        assert danger[1]["where"] == "石坡乡 安口村委会"
        assert [one["code"] for one in duty.items("/places", q="akc")] == ["WX1"]
        assert duty.get("/places/WX1")[1]["attributes"]["limits"]["1h"]["now"] == 40.0
        towns = duty.items("/areas", level="town", parent="140427")
        assert [one["name"] for one in towns] == ["店上镇", "石坡乡"]
        assert duty.items("/areas", q="spx")[0]["code"] == "140427203"

    def test_a_list_comes_in_pages_and_in_the_asked_order(self, duty: Api) -> None:
        first, second = (duty.get("/places", sort="code", size="2", page=page)[1] for page in "12")
        assert (first["total"], first["pages"], first["page"]) == (5, 3, 1)
        assert [one["code"] for one in first["items"] + second["items"]] == ["WX1", "WX2", "YL1", "YL2"]
        backwards = duty.get("/places", sort="-code", size="1", page="99")[1]
        assert (backwards["page"], backwards["items"][0]["code"]) == (5, "WX1")

    def test_readings(self, duty: Api, scene: Scene) -> None:
        newest = {one["place"]: one for one in duty.get("/readings/latest", metric="rain")[1]}
        assert (newest["YL1"]["value"], newest["YL1"]["known"]) == (101.5, True)
        assert (newest["YL3"]["value"], newest["YL3"]["known"], newest["YL3"]["at"]) == (None, False, None)
        assert [one["place"] for one in duty.get("/readings/latest", known="false")[1]] == ["YL3"]
        status, series = duty.get("/readings/YL1/rain", **{"from": "2026-07-20T21:00:00+08:00"})
        assert (status, series["unit"], series["more"]) == (200, "mm", False)
        assert series["values"][-1] == {"at": "2026-07-20T13:55:00Z", "value": 1.5}
        limited = duty.get("/readings/YL1/rain", limit="1")[1]
        assert limited["values"] == series["values"][-1:]
        assert duty.get("/readings/YL3/rain")[0] == duty.get("/readings/WX1/stage")[0] == 404
        assert [one["address"] for one in duty.get("/devices")[1]] == ["1404270001", "1404270003"]
        assert duty.get("/devices/quarantine") == (200, [])

    def test_a_stretch_of_time_without_zone_reversed_or_too_long_is_refused(self, duty: Api) -> None:
        for query in (
            {"from": "2026-07-20T21:00:00"},
            {"from": "2026-07-20T21:00:00Z", "to": "2026-07-20T20:00:00Z"},
            {"from": "2026-01-01T00:00:00Z"},
            {"limit": "0"},
        ):
            status, problem = duty.get("/readings/YL1/rain", **query)
            assert (status, problem["field"]) == (422, next(iter(query))), problem

    def test_alarms_and_an_incident_with_its_timeline(self, duty: Api, scene: Scene) -> None:
        assert [one["place"] for one in duty.items("/alarms", state="active")] == ["WX1", "WX2"]
        assert [one["place"] for one in duty.items("/alarms", state="eased")] == ["YL1"]
        status, alarm = duty.post(f"/alarms/{scene.alarm.id}/acknowledge")
        assert (status, alarm["acknowledged_at"].startswith("2026-07-20T14:01:")) == (200, True)
        assert [one["place"] for one in duty.items("/alarms", acknowledged="true")] == ["WX1"]
        assert duty.get(f"/alarms/{scene.alarm.id}")[1] == alarm
        incident = duty.get(f"/incidents/{scene.incident.number}")[1]
        assert {one["place"] for one in incident["alarms"]} == {"WX1", "YL1"}
        kinds = [line["kind"] for line in incident["timeline"]]
        assert kinds[:2] == ["incidents.opened", "alarms.raised"]
        assert "calls.opened" in kinds

    def test_an_incident_is_closed_when_its_alarms_are_over(self, duty: Api, scene: Scene) -> None:
        number = scene.incident.number
        status, problem = duty.post(f"/incidents/{number}/close", note="全部叫醒")
        assert (status, problem["code"]) == (409, "incidents.still_active")
        assert duty.post(f"/alarms/{scene.alarm.id}/clear", reason="现场核实")[0] == 200
        status, closed = duty.post(f"/incidents/{number}/close", note="全部叫醒")
        assert (status, closed["closing_note"]) == (200, "全部叫醒")
        assert [one["number"] for one in duty.items("/incidents", open="false")] == [number]

    def test_the_call_board_and_its_steering(self, duty: Api, scene: Scene) -> None:
        assert [one["number"] for one in duty.items("/campaigns", open="true")] == [scene.campaign.number]
        board = duty.get(f"/campaigns/{scene.campaign.number}")[1]
        assert (board["targets"], board["woken"], len(board["gap"])) == (5, 0, 5)
        row = next(one for one in board["gap"] if one["call"] == str(scene.call.id))
        assert (row["name"], row["people_at_risk"]) == ("王**", 438)
        assert "****" in row["phone"]
        assert len(row["chain"]) == 4
        status, call = duty.post(f"/calls/{scene.call.id}/reached", reason="微信回了")
        assert (status, call["stage"]) == (200, "reached")
        after = duty.get(f"/campaigns/{scene.campaign.number}", view="woken")[1]
        assert (after["woken"], after["gap"], len(after["woken_rows"])) == (1, [], 1)
        assert duty.post(f"/campaigns/{scene.campaign.number}/cancel", reason="误报")[1]["end"] == "cancelled"

    def test_a_task_from_accepting_to_verifying(self, duty: Api, scene: Scene) -> None:
        head, url = Api(scene, "cunzhang"), f"/tasks/{scene.owed.id}"
        assert head.post(f"{url}/accept")[1]["state"] == "accepted"
        proof = head.client.post(f"/api/v1{url}/evidence", {"kind": "count", "number": "3"})
        assert (proof.status_code, proof.json()["number"]) == (201, 3)
        assert head.post(f"{url}/submit")[1]["state"] == "submitted"
        assert {one["id"] for one in duty.items("/tasks", state="submitted")} == {
            str(scene.owed.id), str(scene.handed_in.id),
        }  # fmt: skip
        assert duty.post(f"{url}/send_back", reason="再去一次")[1]["note"] == "再去一次"
        assert head.post(f"{url}/submit")[0] == 200
        done = duty.post(f"{url}/verify")[1]
        assert (done["state"], len(done["evidence"])) == ("verified", 1)
        assert [one["id"] for one in head.items("/tasks", mine="true", state="verified")] == [str(scene.owed.id)]

    def test_the_journal_and_its_head(self, duty: Api, scene: Scene) -> None:
        lines = duty.items("/journal", case=str(scene.incident.id), kind="alarms.", sort="offset")
        assert lines[0]["kind"] == "alarms.raised"
        head = duty.get("/journal/head")[1]
        assert head["unsealed"] == 0
        newest = duty.get("/journal", sort="-offset", size="1")[1]["items"][0]
        assert (newest["offset"], newest["hash"]) == (head["offset"], head["hash"])

    @pytest.mark.parametrize(
        ("path", "query", "codes"),
        [
            ("/places", {"q": "雨量站", "area": "140427203"}, ["YL1", "YL2"]),
            ("/places", {"kind": "rain_gauge", "area": "140427102"}, ["YL3"]),
            ("/alarms", {"level": "4"}, ["WX1"]),
            ("/alarms", {"place": "WX2"}, ["WX2"]),
            ("/alarms", {"state": "open", "sort": "-people"}, ["WX1", "WX2", "YL1"]),
            ("/alarms", {"state": "cleared"}, []),
            ("/alarms", {"area": "140427102"}, ["WX2"]),
            ("/tasks", {"q": "handed_in"}, ["handed_in"]),
            ("/tasks", {"state": "assigned"}, ["owed"]),
            ("/tasks", {"kind": "number"}, []),
            ("/tasks", {"overdue": "true"}, []),
            ("/tasks", {"mine": "true"}, []),
            ("/incidents", {"open": "true", "sort": "people"}, ["140427102", "140427203"]),
            ("/incidents", {"hazard": "fire"}, []),
            ("/campaigns", {"level": "4"}, ["140427203"]),
            ("/campaigns", {"open": "false"}, []),
            ("/posts", {"role": "monitor"}, ["monitor:140427203204"]),
            ("/posts", {"area": "140427102"}, ["town:140427102"]),
        ],
    )
    def test_each_filter_narrows_its_list(self, duty: Api, path: str, query: dict[str, str], codes: list[str]) -> None:
        found = duty.items(path, **query)
        names = {"/alarms": "place", "/incidents": "area_code", "/campaigns": "area_code"}
        if path == "/tasks":
            assert [one["title"].rsplit(" ", 1)[1] for one in found] == codes
        else:
            assert [one[names.get(path, "code")] for one in found] == codes

    def test_posts_and_me(self, duty: Api) -> None:
        post = duty.items("/posts", q="安口村责任人")[0]
        assert (post["answers"]["name"], post["superior"]) == ("王**", "石坡乡值班员")
        assert "****" in post["answers"]["phone"]
        me = duty.get("/me")[1]
        assert (me["roles"], me["areas"], me["mode"]) == (["duty_officer"], ["140427"], "drill")


class TestScope:
    def test_a_town_officer_sees_her_town_and_nothing_else(self, scene: Scene) -> None:
        stranger = Api(scene, "dianshang")
        text = ""
        for path in LISTS[:-1]:
            items = stranger.items(path)
            codes = {one.get("area_code", one.get("code", "")) for one in items}
            assert all(code.startswith("140427102") or "140427102".startswith(code) for code in codes), path
            text += json.dumps(items, ensure_ascii=False)
        assert "安口" not in text
        assert "石坡" not in text
        assert [one["place"] for one in stranger.get("/readings/latest")[1]] == ["YL3"]

    def test_what_lies_outside_does_not_exist(self, scene: Scene) -> None:
        stranger = Api(scene, "dianshang")
        for path in (
            "/places/WX1",
            "/readings/YL1/rain",
            f"/tasks/{scene.owed.id}",
            f"/alarms/{scene.alarm.id}",
            f"/incidents/{scene.incident.number}",
            f"/campaigns/{scene.campaign.number}",
        ):
            assert stranger.get(path)[0] == 404, path

    def test_a_role_without_the_permission_is_told_so(self, scene: Scene) -> None:
        audit, head = Api(scene, "shenji"), Api(scene, "cunzhang")
        assert {path: audit.get(path)[0] for path in LISTS if path not in ("/tasks", "/journal")} == dict.fromkeys(
            (path for path in LISTS if path not in ("/tasks", "/journal")), 403
        )
        assert audit.get("/journal")[0] == 200
        assert [head.get(path)[0] for path in ("/campaigns", "/posts", "/journal", "/devices/quarantine")] == [403] * 4

    def test_no_answer_and_no_page_holds_a_whole_name_or_number(self, scene: Scene) -> None:
        duty = Api(scene, "zhiban")
        campaign, incident = scene.campaign.number, scene.incident.number
        paths = [f"/api/v1{path}?size=200" for path in LISTS]
        paths += [f"/api/v1{path}" for path in ("/me", f"/campaigns/{campaign}", f"/incidents/{incident}")]
        paths += [f"/api/v1/tasks/{scene.owed.id}", f"/tasks/{scene.owed.id}/", f"/incidents/{incident}/"]
        paths += ["/desk/", "/calls/", f"/calls/{campaign}/?view=all", "/work/", "/people/", "/people/place/WX1"]
        paths += ["/journal/", "/map/panel?place=WX1"]
        known = [value for person in Person.objects.all() for value in (person.name, person.phone)]
        assert known
        for path in paths:
            answer = duty.client.get(path)
            assert answer.status_code == 200, path
            text = answer.content.decode()
            assert [value for value in known if value in text] == [], path


class TestRefusals:
    def test_without_a_login_everything_is_401(self, scene: Scene) -> None:
        for path in (*LISTS, "/me", "/readings/latest"):
            answer = Client().get(f"/api/v1{path}")
            assert (answer.status_code, answer.json()["code"]) == (401, "not_logged_in")

    @pytest.mark.parametrize("path", [*LISTS, "/me", "/readings/latest", "/journal/head", "/places/WX1", "/devices"])
    def test_an_unknown_parameter_is_refused_by_name(self, duty: Api, path: str) -> None:
        status, problem = duty.get(path, colour="red")
        assert (status, problem["code"], problem["field"]) == (422, "invalid.colour", "colour")
        assert "colour" in problem["message"]
        assert problem["hint"]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"sort": "colour"}, "sort"),
            ({"page": "0"}, "page"),
            ({"page": "x"}, "page"),
            ({"size": "500"}, "size"),
        ],
    )
    def test_an_unusable_value_is_refused_by_name(self, duty: Api, query: dict[str, str], field: str) -> None:
        for path in LISTS:
            status, problem = duty.get(path, **query)
            assert (status, problem["field"]) == (422, field), path

    def test_an_unknown_body_field_a_body_that_is_none_and_a_wrong_id(self, duty: Api, scene: Scene) -> None:
        url = f"/tasks/{scene.owed.id}/cancel"
        assert duty.post(url, reason="x", colour="red")[1]["field"] == "colour"
        broken = duty.client.post(f"/api/v1{url}", "{", content_type="application/json")
        assert (broken.status_code, broken.json()["code"]) == (400, "http.400")
        wrong = duty.client.post("/api/v1/tasks/not-an-id/accept")
        assert (wrong.status_code, wrong.json()["code"]) == (404, "not_found")
        scene.owed.refresh_from_db()
        assert scene.owed.state == "assigned"

    def test_a_csrf_token_is_asked_for_and_suffices(self, scene: Scene) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(scene.cast.accounts["cunzhang"])
        url = f"/api/v1/tasks/{scene.owed.id}/accept"
        assert client.post(url).json()["code"] == "csrf"
        client.get("/work/")
        token = client.cookies["csrftoken"].value
        assert client.post(url, headers={"X-CSRFToken": token}).status_code == 200


class TestDocumentation:
    def test_every_operation_is_described_with_its_refusals(self) -> None:
        document = Client().get("/api/v1/openapi.json").json()
        operations = {f"{method} {path}": one for path, of in document["paths"].items() for method, one in of.items()}
        assert len(operations) > 30
        for name, one in operations.items():
            assert one["summary"], name
            assert {"401", "403", "404", "409", "422"} <= set(one["responses"]), name

    def test_the_page_needs_no_other_host(self) -> None:
        page = Client().get("/api/v1/docs").content.decode()
        assert "http" not in page.replace("/api/v1/openapi.json", "")
        for name in ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-init.js"):
            assert Client().get(f"/static/ninja/{name}").status_code == 200


def _views(patterns: list[URLPattern | URLResolver]) -> Iterator[ModuleType]:
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from _views(one.url_patterns)
        else:
            module = inspect.getmodule(inspect.unwrap(one.callback))
            if module is not None and module.__name__.startswith("anlan.") and module.__name__.endswith("views"):
                yield module


def _commands_called(module: ModuleType) -> set[str]:
    """Names of registered commands that a module's source refers to."""
    names = {id(run): name for name, run in COMMANDS.items()}
    found = set()
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        value: object = None
        if isinstance(node, ast.Name):
            value = getattr(module, node.id, None)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            value = getattr(getattr(module, node.value.id, None), node.attr, None)
        if id(value) in names:
            found.add(names[id(value)])
    return found


def test_every_command_that_a_page_calls_has_an_operation() -> None:
    """A login is the session itself; everything else that a page does, a program can do."""
    by_pages = {name for module in set(_views(get_resolver().url_patterns)) for name in _commands_called(module)}
    by_api = {name for module in ROUTERS for name in _commands_called(import_module(module))}
    assert len(by_pages) >= 15
    assert by_pages - by_api == {"people.record_login"}
