"""Readings that people write down (C7): checked line by line, stored by true time, marked, judged, taken back whole."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import load_workbook

from anlan.base.journal.models import Entry
from anlan.kernel.clock import beijing
from anlan.kernel.errors import Invalid
from anlan.loop.alarms.tests.stations import standing
from anlan.loop.sensing.blocks import GOOD, MANUAL, WITHDRAWN
from anlan.loop.sensing.commands import register_device
from anlan.loop.sensing.folding import drop_blocks, fold, kept
from anlan.loop.sensing.models import Device, Latest, ManualBatch
from anlan.loop.sensing.queries import moment, place_values
from anlan.loop.sensing.router import readings_alias
from anlan.loop.sensing.sheet import LINES_MAX, read_sheet, write_sheet
from anlan.loop.sensing.tests.feed import hear
from tests.cast import NOW, SYSTEM, Cast
from tests.gate import Gate, blocks, play

pytestmark = [
    pytest.mark.django_db(transaction=True, databases="__all__"), pytest.mark.both, pytest.mark.timeout(60)
]  # fmt: skip
HEAD = "对象或设备,要素,时间,数值\n"


def ago(minutes: float) -> str:
    return beijing(NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%d %H:%M")


def client(cast: Cast, name: str = "zhiban") -> Client:
    made = Client()
    made.force_login(cast.accounts[name])
    return made


def upload(browser: Client, text: str | bytes, name: str = "雨量.csv") -> Any:
    data = text if isinstance(text, bytes) else (HEAD + text).encode()
    return browser.post("/manual/", {"file": SimpleUploadedFile(name, data)})


def act(browser: Client, what: str) -> int:
    return browser.post(f"/manual/{ManualBatch.objects.get().id}/{what}").status_code


def fell(cast: Cast) -> float:
    """mm at YL1 in the last two hours, as pages show it."""
    values = place_values(SYSTEM, cast.places["YL1"], "rain", NOW - timedelta(hours=2), NOW)
    return sum(value or 0 for _at, value in values)


def danger() -> list[tuple[int, str]]:
    return [(level, state) for place, level, state in standing() if place == "WX1"]


async def turns(gate: Gate) -> None:
    for _ in range(3):
        await gate.turn()


def work() -> None:
    play(turns)


def rows() -> list[tuple[float, int]]:
    held = blocks()
    return list(zip(held.values.tolist(), held.quality.tolist(), strict=True))


def test_a_sheet_is_looked_at_then_stored_judged_and_shown_by_its_own_times(at_now: Cast) -> None:
    browser = client(at_now)
    answer = upload(browser, f"YL1,累计雨量,{ago(40)},100\nyl1,rain.accumulated,{ago(5)},141\nWX2,水位,{ago(9)},2.5\n")
    assert answer.status_code == 302
    page = browser.get(answer["Location"]).content.decode()
    for word in ("3 行能入库", "安口1号雨量站", "待确认", "确认入库"):
        assert word in page
    work()
    assert rows() == []
    assert act(browser, "confirm") == 302
    assert "等待入库" in browser.get("/manual/").content.decode()
    work()
    assert rows() == [(100.0, MANUAL), (141.0, MANUAL), (2.5, MANUAL)]
    assert danger() == [(4, "active")]
    assert "已入库" in browser.get("/manual/").content.decode()
    assert fell(at_now) == 41.0
    by_hand = Device.objects.get(place=at_now.places["WX2"])
    assert (by_hand.protocol, by_hand.address) == ("manual", "WX2")
    assert Entry.objects.get(kind="sensing.manual_entered").data["readings"] == 3
    assert act(browser, "confirm") == 302  # again changes nothing
    work()
    assert len(rows()) == 3


def test_bad_lines_are_named_come_back_in_a_sheet_and_the_good_ones_go_on(at_now: Cast) -> None:
    for protocol, address in (("sl651", "1404270001"), ("ingest", "G1")):
        register_device(SYSTEM, protocol=protocol, address=address, place=at_now.places["YL1"], now=NOW)
    good = f"G1,累计雨量,{ago(1)},7"
    bad = [
        (f"nobody,水位,{ago(1)},1", "没有对象或设备“nobody”"), (f"YL1,水位,{ago(1)},1", "有几台设备"),
        (f"G1,风速,{ago(1)},1", "没有要素“风速”"),
        ("G1,水位,昨天,1", "时间“昨天”读不懂"), (f"G1,水位,{ago(-5)},1", "时间在将来"),
        (f"G1,水位,{ago(1)},高", "不是数"), (f"G1,水位,{ago(1)},inf", "太大"),
        (f"g1,rain.accumulated,{ago(1)},8", "已经有一行"),
        (f",水位,{ago(1)},1", "缺对象"),
    ]  # fmt: skip
    browser = client(at_now)
    page = browser.get(upload(browser, "\n".join([good, *(line for line, _why in bad)]))["Location"]).content.decode()
    assert "1 行能入库，9 行有问题" in page
    batch = ManualBatch.objects.get()
    assert [why in line[4] for line, (_text, why) in zip(batch.lines[1:], bad, strict=True)] == [True] * len(bad)
    sheet = load_workbook(BytesIO(browser.get(f"/manual/{batch.id}/faults").content)).active
    assert sheet is not None
    told = list(sheet.iter_rows(values_only=True))
    assert told[0] == ("对象或设备", "要素", "时间", "数值", "问题")
    assert [row[0] for row in told[1:]] == [line.split(",")[0] or None for line, _why in bad]
    act(browser, "confirm")
    work()
    assert rows() == [(7.0, MANUAL)]


def test_a_sheet_is_taken_back_and_what_stood_before_stands_again(at_now: Cast) -> None:
    place = at_now.places["YL1"]
    hear(place, "rain.accumulated", [(NOW - timedelta(minutes=m), v) for m, v in ((40, 100.0), (20, 101.0))], NOW)
    browser = client(at_now)
    upload(browser, f"YL1,累计雨量,{ago(20)},141\nYL1,累计雨量,{ago(10)},142\n")
    act(browser, "confirm")
    work()
    assert danger() == [(4, "active")]
    assert Latest.objects.using(readings_alias()).get().value == 142.0
    assert act(browser, "withdraw") == 302
    assert act(browser, "withdraw") == 302
    work()
    assert ManualBatch.objects.get().state == "withdrawn"
    assert fell(at_now) == 1.0
    assert danger() == [(4, "eased")]
    newest = Latest.objects.using(readings_alias()).get()
    assert (newest.value, moment(newest.at_ms)) == (101.0, NOW - timedelta(minutes=20))
    work()  # a gateway that starts anew does not know them either
    assert danger() == [(4, "eased")]
    assert [quality for _value, quality in rows()][-2:] == [GOOD, WITHDRAWN]


def test_what_the_device_said_since_is_not_undone(at_now: Cast) -> None:
    place = at_now.places["YL1"]
    hear(place, "rain.accumulated", [(NOW - timedelta(minutes=40), 100.0)], NOW)
    browser = client(at_now)
    upload(browser, f"YL1,累计雨量,{ago(20)},103\n")
    act(browser, "confirm")
    work()
    hear(place, "rain.accumulated", [(NOW - timedelta(minutes=20), 104.0)], NOW)
    act(browser, "withdraw")
    work()
    assert fell(at_now) == 4.0


def test_older_than_the_horizon_is_kept_and_not_judged(at_now: Cast) -> None:
    hear(at_now.places["YL1"], "rain.accumulated", [(NOW - timedelta(minutes=1), 190.0)], NOW)
    browser = client(at_now)
    answer = upload(browser, f"YL1,累计雨量,{ago(28 * 60)},100\nYL1,累计雨量,{ago(27 * 60)},190\n")
    assert "2 行早于 26 小时" in browser.get(answer["Location"]).content.decode()
    act(browser, "confirm")
    work()
    assert len(rows()) == 3
    assert danger() == []


def test_a_kill_between_storing_and_saying_so_stores_nothing_twice(
    at_now: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear(at_now.places["YL1"], "rain.accumulated", [(NOW - timedelta(minutes=20), 100.0)], NOW)
    browser = client(at_now)
    upload(browser, f"YL1,累计雨量,{ago(20)},103\n")
    act(browser, "confirm")

    def killed(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("anlan.site.gateway.manual.done", killed)
        work()
    assert (len(rows()), ManualBatch.objects.get().state) == (2, "queued")
    ManualBatch.objects.update(lease_until=None)
    work()
    batch = ManualBatch.objects.get()
    assert (len(rows()), batch.state, batch.before) == (2, "stored", [[100.0, GOOD]])


def test_a_sheet_is_its_writers_and_whoever_admits_sees_all(at_now: Cast) -> None:
    town = client(at_now, "shipo")
    assert upload(town, f"YL3,累计雨量,{ago(5)},1\nYL1,累计雨量,{ago(5)},1\n").status_code == 302
    batch = ManualBatch.objects.get()
    assert (batch.good, batch.bad) == (1, 1)  # YL3 is another town's
    assert client(at_now, "dianshang").get(f"/manual/{batch.id}").status_code == 404
    assert client(at_now, "dianshang").post(f"/manual/{batch.id}/confirm").status_code == 404
    assert client(at_now).get(f"/manual/{batch.id}").status_code == 200
    assert client(at_now, "cunzhang").get("/manual/").status_code == 403
    assert act(town, "discard") == 302
    assert not ManualBatch.objects.exists()


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "空"), (HEAD.encode(), "只有表头"), (b"a,b,c\n1,2,3\n", "缺"), (b"PK\x03\x04broken", "读不懂"),
        (b"\xff\xfe\x00\x01", "读不懂"), ((HEAD + "a,b,c,d\n" * (LINES_MAX + 1)).encode(), "一次至多"),
        (b"x" * 4_000_001, "太大"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_sheet_is_refused(at_now: Cast, data: bytes, word: str) -> None:
    answer = upload(client(at_now), data)
    assert answer.status_code == 422
    assert word in answer.content.decode()
    assert not ManualBatch.objects.exists()


def test_sheets_of_both_kinds_and_encodings_are_read_alike() -> None:
    lines = [("YL1", "累计雨量", "2026-07-20 21:30", "12.5"), ("G1", "stage", "2026/07/20 21:35", "=1+1")]
    text = HEAD + "\n".join(",".join(line) for line in lines)
    assert read_sheet("a.csv", text.encode("utf-8-sig")) == lines
    assert read_sheet("a.csv", text.encode("gb18030")) == lines
    assert read_sheet("a.xlsx", write_sheet(lines)) == lines
    with pytest.raises(Invalid):
        read_sheet("a.csv", b"\0\0\0")


def test_the_template_is_a_sheet_that_is_read(at_now: Cast) -> None:
    register_device(SYSTEM, protocol="sl651", address="1404270001", place=at_now.places["YL1"], now=NOW)
    browser = client(at_now)
    template = browser.get("/manual/template").content
    assert upload(browser, template, "模板.xlsx").status_code == 302
    batch = ManualBatch.objects.get()
    assert (batch.good, batch.bad) == (1, 0)


@pytest.mark.parametrize("folded", ["never", "between", "after"])
def test_folding_and_taking_back_go_together(at_now: Cast, folded: str) -> None:
    """Folded while the sheet stood, or only later: the charts say the same, and every block is found in the chunks."""
    place = at_now.places["YL1"]
    hear(place, "rain.accumulated", [(NOW - timedelta(minutes=m), v) for m, v in ((40, 100.0), (20, 101.0))], NOW)
    browser = client(at_now)
    upload(browser, f"YL1,累计雨量,{ago(20)},141\nYL1,累计雨量,{ago(10)},142\n")
    act(browser, "confirm")
    work()
    if folded == "between":
        fold(NOW)
    act(browser, "withdraw")
    work()
    if folded != "never":
        fold(NOW)
        drop_blocks(NOW + timedelta(days=9), timedelta(days=7))
        assert len(blocks()) == 0
        assert kept().fault == ""
    assert fell(at_now) == 1.0


def test_a_sheet_over_a_sheet_gives_back_what_that_one_said(at_now: Cast) -> None:
    browser = client(at_now)
    for value in (100, 103):
        upload(browser, f"YL1,累计雨量,{ago(20)},{value}\n")
        batch = ManualBatch.objects.get(state="preview")
        browser.post(f"/manual/{batch.id}/confirm")
        work()
    browser.post(f"/manual/{batch.id}/withdraw")
    work()
    assert rows()[-1] == (100.0, MANUAL)
