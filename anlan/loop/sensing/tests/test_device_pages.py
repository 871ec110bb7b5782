"""Admission, refusal, undo, passwords and requests over HTTP: who may, what comes of it, what the journal says."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from anlan.base.journal.models import Entry
from anlan.loop.sensing.admission import admit
from anlan.loop.sensing.asking import WAITS, answered, give_up, mark_sent, take_due
from anlan.loop.sensing.commands import quarantine
from anlan.loop.sensing.contacts import Found, Touched, keep_attachment, note_trouble, write_contacts
from anlan.loop.sensing.models import Device, Quarantine, StationCommand
from anlan.loop.sensing.tests.feed import SYSTEM
from tests.cast import NOW, Cast

pytestmark = [pytest.mark.django_db(databases="__all__"), pytest.mark.both]
ADDRESS = "1404270001"
MAP = {"host": "10.1.2.3", "port": "502", "slave": "7", "interval_s": "30", "timeout_s": "2",
       "points": "stage, 3, 0, uint16, ABCD, 0.01\n# a remark\n\nflow, 4, 0x0A, float32, CDAB"}  # fmt: skip


def client(cast: Cast, username: str) -> Client:
    made = Client()
    made.force_login(cast.accounts[username])
    return made


def calls(address: str = ADDRESS, reason: str = "unknown") -> Quarantine:
    return quarantine(SYSTEM, protocol="sl651", address=address, reason=reason, frame=b"\x7e\x7e", peer="10.0.0.8:4711",
                      count=3, password="1234", now=NOW)  # fmt: skip


def admitted(cast: Cast, code: str = "YL1") -> Device:
    return admit(SYSTEM, protocol="sl651", address=ADDRESS, place=cast.places[code], password="1234", now=NOW)


def nobody(_address: str) -> None:
    """No station is connected."""


def kinds() -> list[str]:
    return list(Entry.objects.filter(kind__startswith="sensing.").order_by("id").values_list("kind", flat=True))


def test_a_stranger_is_admitted_for_the_place_whose_directory_names_it(at_now: Cast) -> None:
    row, duty = calls(), client(at_now, "zhiban")
    body = duty.get(f"/devices/unknown/{row.id}").content.decode()
    assert "安口1号雨量站" in body  # found by its station address, nothing typed
    assert "店上雨量站" in duty.get(f"/devices/unknown/{row.id}?find=店上").content.decode()
    assert duty.post(f"/devices/unknown/{row.id}/admit", {"password": "1234"}).status_code == 422
    assert duty.post(f"/devices/unknown/{row.id}/admit", {"place": "YL1", "password": "xyz"}).status_code == 422
    assert Device.objects.count() == 0
    answer = duty.post(f"/devices/unknown/{row.id}/admit", {"place": "YL1", "password": "12ab", "address": ADDRESS})
    device = Device.objects.get()
    assert answer["Location"] == reverse("device", args=[device.id])
    assert (device.place.code, device.password, device.address) == ("YL1", "12AB", ADDRESS)
    assert Quarantine.objects.count() == 0
    assert kinds() == ["sensing.quarantined", "sensing.device_registered"]
    row = calls(reason="password")
    assert "已登记" in duty.get(f"/devices/unknown/{row.id}").content.decode()
    assert duty.post(f"/devices/unknown/{row.id}/admit", {"place": "YL2"}).status_code == 409


def test_a_refusal_needs_a_reason_leaves_the_count_and_can_be_taken_back(at_now: Cast) -> None:
    row, duty = calls(), client(at_now, "zhiban")
    assert duty.post(f"/devices/unknown/{row.id}/ignore", {"reason": " "}).status_code == 422
    assert duty.post(f"/devices/unknown/{row.id}/ignore", {"reason": "外县的站"}).status_code == 302
    assert calls().ignored_reason == "外县的站"  # it goes on calling and stays refused
    assert "0 个未登记的站等着处理" in duty.get("/devices/unknown").content.decode()
    assert ADDRESS in duty.get("/devices/unknown?ignored=yes").content.decode()
    assert ADDRESS not in duty.get("/devices/unknown?ignored=no").content.decode()
    duty.post(f"/devices/unknown/{row.id}/notice")
    assert "1 个未登记的站等着处理" in duty.get("/devices/unknown").content.decode()
    assert kinds() == ["sensing.quarantined", "sensing.ignored", "sensing.noticed"]


def test_taken_out_of_use_brought_back_and_never_given_to_another_place(at_now: Cast) -> None:
    device, duty = admitted(at_now), client(at_now, "zhiban")
    duty.post(f"/devices/{device.id}/disable")
    assert "停用" in duty.get("/devices/?state=unused").content.decode()
    assert "0 台设备都有数据" in duty.get("/devices/").content.decode()
    assert duty.post(f"/devices/{device.id}/ask", {"what": "now"}).status_code == 409
    row = calls()
    assert duty.post(f"/devices/unknown/{row.id}/admit", {"place": "YL2"}).status_code == 409
    duty.post(f"/devices/{device.id}/reinstate")
    device.refresh_from_db()
    assert (device.disabled_at, device.password, device.place.code) == (None, "1234", "YL1")
    duty.post(f"/devices/{device.id}/password", {"password": ""})
    device.refresh_from_db()
    assert device.password == ""
    assert kinds()[-2:] == ["sensing.device_reinstated", "sensing.device_password"]
    assert not any("1234" in str(entry.data) for entry in Entry.objects.all())


@pytest.mark.parametrize(
    ("username", "page", "act"), [("dianshang", 404, 403), ("shenji", 403, 403), ("shipo", 200, 403)]
)
def test_others_may_not(at_now: Cast, username: str, page: int, act: int) -> None:
    device, row, other = admitted(at_now), calls("9999000001"), client(at_now, username)
    assert other.get(f"/devices/{device.id}").status_code == page
    for path in (f"/devices/{device.id}/ask", f"/devices/{device.id}/disable", f"/devices/unknown/{row.id}/ignore"):
        assert other.post(path, {"what": "now", "reason": "x"}).status_code == act
    assert other.get(f"/devices/unknown/{row.id}").status_code == 403
    assert other.get("/devices/new").status_code == 403
    assert StationCommand.objects.count() == 0


def test_a_polled_device_is_described_checked_line_by_line_and_changed(at_now: Cast) -> None:
    duty = client(at_now, "zhiban")
    bad = duty.post("/devices/new?protocol=modbus", {**MAP, "protocol": "modbus", "place": "YL1",
                                                     "points": "stage, 3, 0\nflow, 3, 1, float99"})  # fmt: skip
    assert bad.status_code == 422
    assert "第 2 行" in bad.content.decode()
    duty.post("/devices/new?protocol=modbus", {**MAP, "protocol": "modbus", "place": "YL1"})
    device = Device.objects.get()
    assert (device.protocol, device.address) == ("modbus", "10.1.2.3:502/7")
    assert [point["metric"] for point in device.config["points"]] == ["stage", "flow"]
    body = duty.get(f"/devices/{device.id}").content.decode()
    assert "stage, 3, 0, uint16, ABCD, 0.01, 0" in body
    assert "立即召测" not in body
    assert duty.post(f"/devices/{device.id}/config", {**MAP, "host": "10.9.9.9"}).status_code == 422
    duty.post(f"/devices/{device.id}/config", {**MAP, "interval_s": "5"})
    device.refresh_from_db()
    assert device.config["interval_s"] == 5


def test_a_request_waits_for_its_station_is_sent_again_and_answered_once(at_now: Cast) -> None:
    device, duty = admitted(at_now), client(at_now, "zhiban")
    duty.post(f"/devices/{device.id}/ask", {"what": "now"})
    assert duty.post(f"/devices/{device.id}/ask", {"what": "now"}).status_code == 409  # the same is still open
    assert duty.post(f"/devices/{device.id}/ask", {"what": "fly"}).status_code == 422
    assert duty.post(f"/devices/{device.id}/ask", {"what": "range", "hours": "999"}).status_code == 422
    assert take_due("sl651", nobody, owner="g", now=NOW) == []  # not connected
    (asked,) = take_due("sl651", {ADDRESS: 1}.get, owner="g", now=NOW)
    assert take_due("sl651", {ADDRESS: 1}.get, owner="h", now=NOW) == []  # held
    mark_sent(SYSTEM, asked, key="37:0001", now=NOW)
    later = NOW + timedelta(seconds=30)
    (again,) = take_due("sl651", {ADDRESS: 1}.get, owner="g", now=later)
    mark_sent(SYSTEM, again, key="37:0001", now=later)
    facts = {"send_time": "2026-07-01T12:00:05", "elements": [{"id": "39", "name": "水位", "unit": "m", "value": 3.5}]}
    assert answered(SYSTEM, protocol="sl651", address=ADDRESS, key="37:0002", answer=facts, now=later) is None
    assert answered(SYSTEM, protocol="sl651", address=ADDRESS, key="37:0001", answer=facts, now=later)
    assert answered(SYSTEM, protocol="sl651", address=ADDRESS, key="37:0001", answer=facts, now=later) is None
    body = duty.get(f"/devices/{device.id}").content.decode()
    assert "3.5 m" in body
    assert "已应答" in body
    assert give_up(SYSTEM, now=NOW + WAITS) == 0
    assert kinds()[-2:] == ["sensing.asked", "sensing.answered"]


def test_a_request_that_nobody_answers_expires_with_its_reason(at_now: Cast) -> None:
    device, duty = admitted(at_now), client(at_now, "zhiban")
    duty.post(f"/devices/{device.id}/ask", {"what": "clock"})
    assert give_up(SYSTEM, now=NOW + WAITS) == 1
    assert "站一直没有连上来" in duty.get(f"/devices/{device.id}").content.decode()
    duty.post(f"/devices/{device.id}/ask", {"what": "clock"})
    for minutes in (0, 1, 2):
        (asked,) = take_due("sl651", {ADDRESS: 1}.get, owner="g", now=NOW + timedelta(minutes=minutes))
        mark_sent(SYSTEM, asked, key="4A:0002", now=NOW + timedelta(minutes=minutes))
    assert give_up(SYSTEM, now=NOW + timedelta(minutes=3)) == 1
    assert "下发了，站没有应答" in duty.get(f"/devices/{device.id}").content.decode()


def test_the_api_does_what_the_pages_do(at_now: Cast) -> None:
    row, duty, other = calls(), client(at_now, "zhiban"), client(at_now, "dianshang")

    def post(who: Client, path: str, **body: object) -> tuple[int, dict[str, object]]:
        answer = who.post(f"/api/v1{path}", json.dumps(body), content_type="application/json")
        return answer.status_code, answer.json()

    assert post(other, f"/devices/quarantine/{row.id}/ignore", reason="x")[0] == 403
    assert post(duty, f"/devices/quarantine/{row.id}/ignore", reason="外县的站")[1]["ignored_reason"] == "外县的站"
    assert post(duty, f"/devices/quarantine/{row.id}/notice")[1]["ignored_at"] is None
    status, made = post(duty, f"/devices/quarantine/{row.id}/admit", place="YL1", password="12AB")
    assert (status, made["place"], made["address"]) == (200, "YL1", ADDRESS)
    path = f"/devices/{made['id']}"
    assert post(other, f"{path}/ask", what="now")[0] == 403
    assert post(duty, f"{path}/ask", what="clock")[1]["state"] == "queued"
    assert post(duty, f"{path}/ask", what="clock")[0] == 409
    assert post(duty, f"{path}/ask", what="fly")[0] == 422
    assert [one["what"] for one in duty.get(f"/api/v1{path}/asked").json()] == ["clock"]
    assert post(duty, f"{path}/password", password="nope")[0] == 422
    assert post(duty, f"{path}/disable")[0] == 200
    assert post(duty, f"{path}/reinstate")[0] == 200
    assert post(duty, "/devices", protocol="telegraph", place="YL2", address="1")[0] == 422
    status, polled = post(duty, "/devices", protocol="modbus", place="YL2", form=MAP)
    assert (status, polled["address"]) == (200, "10.1.2.3:502/7")
    assert post(duty, f"/devices/{polled['id']}/config", form={**MAP, "points": "stage, 9, 0"})[0] == 422
    assert post(duty, f"/devices/{polled['id']}/config", form={**MAP, "interval_s": "5"})[0] == 200
    note_trouble(SYSTEM, Found("flood", "sl651", ADDRESS, "10.0.0.8", "", NOW, NOW, 3))
    assert [one["count"] for one in duty.get("/api/v1/devices/troubles").json()] == [3]
    assert other.get("/api/v1/devices/troubles").status_code == 403


def test_a_wrong_clock_pictures_and_troubles_are_shown(at_now: Cast) -> None:
    device, duty = admitted(at_now), client(at_now, "zhiban")
    for _ in range(2):
        write_contacts([Touched(str(device.id), NOW, "10.0.0.8:4711", 5, 86_400_000, 2)])
        note_trouble(SYSTEM, Found("contested", "sl651", ADDRESS, "10.0.0.8", "10.0.0.9", NOW, NOW, 3))
        kept = keep_attachment(SYSTEM, device=device, kind="picture", content=b"\xff\xd8\xff", taken_at=NOW, now=NOW)
    keep_attachment(SYSTEM, device=device, kind="text", content="闸门卡住".encode(), taken_at=NOW, now=NOW)
    body = duty.get(f"/devices/{device.id}").content.decode()
    for word in ("快 24 小时", "放慢读了 4 帧", "闸门卡住", f"/devices/attachments/{kept.id}"):
        assert word in body
    assert "快 24 小时" in duty.get("/devices/?state=clock").content.decode()
    assert device.attachments.count() == 2  # the same file again is the same row
    answer = duty.get(f"/devices/attachments/{kept.id}")
    assert (answer["Content-Type"], answer.content) == ("image/jpeg", b"\xff\xd8\xff")
    assert client(at_now, "dianshang").get(f"/devices/attachments/{kept.id}").status_code == 404
    page = duty.get("/devices/unknown").content.decode()
    assert "同一地址两处来报" in page
    assert "6 次" in page
    assert kinds().count("sensing.contested") == 1
