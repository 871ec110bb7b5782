"""The command line as a person types it: an error is one line that says what to do, and a status for scripts."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from anlan.kernel.packs import SHIPPED

CAPTURES = Path(__file__).resolve().parent / "captures" / "sl651.jsonl"
GOOD = "zhe shi mima 2026"


class Line:
    """Runs `anlan …` in a process of its own, over a data folder of its own."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("ANLAN_", "DJANGO_"))}
        self.environment = clean | {"ANLAN_DATA": str(data), "ANLAN_DEMO": "false"} | settings

    def __call__(self, *arguments: str, given: str = "", **settings: str) -> "subprocess.CompletedProcess[str]":
        return self._run(["-m", "anlan.site.cli", *arguments], given, settings)

    def python(self, code: str) -> None:
        """Run a piece of the program with Django set up."""
        ran = self._run(
            ["-c", f"import django; django.setup()\n{code}"], "", {"DJANGO_SETTINGS_MODULE": "anlan.site.settings"}
        )
        assert ran.returncode == 0, ran.stderr

    def _run(self, argv: list[str], given: str, settings: dict[str, str]) -> "subprocess.CompletedProcess[str]":
        environment = self.environment | settings
        return subprocess.run(
            [sys.executable, *argv],
            input=given,
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """A real site with its tables."""
    line = Line(tmp_path_factory.mktemp("site"))
    laid = line("migrate")
    assert laid.returncode == 0, laid.stderr
    return line


def one_line(done: "subprocess.CompletedProcess[str]") -> str:
    """The only line of standard error; a traceback would be many."""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("anlan: ")
    return lines[0]


class TestSettings:
    def test_an_unknown_setting_is_refused_and_the_nearest_one_named(self, site: Line) -> None:
        done = site("doctor", ANLAN_PROT="8001")
        assert done.returncode == 2
        assert "ANLAN_PROT：没有这个设置" in one_line(done)
        assert "ANLAN_PORT" in done.stderr

    @pytest.mark.parametrize("command", ["doctor", "up", "createuser x --role duty_officer"])
    def test_a_value_that_cannot_be_is_refused_by_every_command(self, site: Line, command: str) -> None:
        for name, value in (("ANLAN_PORT", "99999"), ("ANLAN_DATABASE_URL", "mysql://host/name")):
            done = site(*command.split(), **{name: value})
            assert done.returncode == 2
            assert name in one_line(done)


class TestDoctor:
    def test_a_new_site_is_told_what_is_missing_and_a_laid_one_is_well(self, site: Line, tmp_path: Path) -> None:
        new = Line(tmp_path / "not" / "there" / "yet")("doctor")
        assert new.returncode == 1
        assert "✗ 数据库 default" in new.stdout
        assert "anlan migrate" in new.stdout
        well = site("doctor")
        assert (well.returncode, "✗" in well.stdout) == (0, False), well.stdout
        assert "规则包 rules" in well.stdout
        assert "逐条数据留 10 年，汇总长期保存" in well.stdout
        assert "端口" in well.stdout

    def test_a_broken_pack_of_the_county_is_named(self, site: Line, tmp_path: Path) -> None:
        (tmp_path / "roles").mkdir()
        (tmp_path / "roles" / "own.yaml").write_text("urn: urn:anlan:roles:own\nkey: Not Good\n", encoding="utf-8")
        done = site("doctor", ANLAN_OVERRIDES=str(tmp_path))
        assert done.returncode == 1
        assert "✗ 规则包 roles — " in done.stdout
        assert "own.yaml" in done.stdout
        refused = site("createuser", "li", "--role", "duty_officer", "--password", GOOD, ANLAN_OVERRIDES=str(tmp_path))
        assert refused.returncode == 1
        assert "own.yaml" in refused.stderr

    def test_a_pack_of_the_county_stands_in_for_the_shipped_one(self, site: Line, tmp_path: Path) -> None:
        shipped = (SHIPPED / "roles" / "duty_officer.yaml").read_text(encoding="utf-8")
        (tmp_path / "roles").mkdir()
        own = shipped.replace("key: duty_officer", "key: night_officer")
        (tmp_path / "roles" / "own.yaml").write_text(own, encoding="utf-8")
        done = site("createuser", "li", "--role", "duty_officer", "--password", GOOD, ANLAN_OVERRIDES=str(tmp_path))
        assert done.returncode == 1
        assert "night_officer" in one_line(done)


class TestAccounts:
    def test_an_account_is_opened_once(self, site: Line) -> None:
        done = site("createuser", "zhang", "--role", "duty_officer", "--password", GOOD)
        assert (done.returncode, done.stdout) == (0, "已建账号 zhang\n")
        again = site("createuser", "zhang", "--role", "duty_officer", "--password", GOOD)
        assert again.returncode == 1
        assert "已被使用" in one_line(again)

    @pytest.mark.parametrize(
        ("arguments", "given", "words"),
        [
            (["li", "--role", "duty_officer"], "short\n", "密码太短，至少要 10 个字符"),
            (["li", "--role", "duty_officer"], "password1234\n", "密码太常见"),
            (["li", "--role", "duty_officer"], "", "密码太短，至少要 10 个字符"),
            (["li", "--role", "king"], f"{GOOD}\n", "没有这种角色：king 可用：audit_administrator"),
            (["li", "--role", "town_officer", "--area", "140427203000"], f"{GOOD}\n", "没有区划 140427203000"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_is_stored(
        self, site: Line, arguments: list[str], given: str, words: str
    ) -> None:
        done = site("createuser", *arguments, given=given)
        assert done.returncode == 1
        assert words in one_line(done)
        with sqlite3.connect(site.data / "record.sqlite3") as database:
            assert database.execute("SELECT count(*) FROM people_account WHERE username = 'li'").fetchone() == (0,)

    def test_before_the_tables_are_laid_it_says_so(self, tmp_path: Path) -> None:
        done = Line(tmp_path)("createuser", "zhang", "--role", "duty_officer", "--password", GOOD)
        assert done.returncode == 1
        assert "anlan migrate" in one_line(done)

    def test_in_a_demo_the_account_is_one_of_the_site_that_runs_and_holds_at_its_time(self, tmp_path: Path) -> None:
        folder = tmp_path / "demo-003"
        folder.mkdir()
        (tmp_path / "demo_site").write_text("3", encoding="ascii")
        clock = {"real_base": 0, "site_base": 1_784_000_000, "rate": 1e-9}
        (folder / "clock.json").write_text(json.dumps(clock), encoding="utf-8")
        line = Line(tmp_path, ANLAN_DEMO="true")
        assert line("migrate").returncode == 0
        assert line("createuser", "zhang", "--role", "duty_officer", "--password", GOOD).returncode == 0
        with sqlite3.connect(folder / "record.sqlite3") as database:
            row = database.execute("SELECT a.mode, g.valid_from FROM people_account a JOIN people_grant g").fetchone()
        assert (row[0], row[1][:13]) == ("drill", "2026-07-14 03")


class TestJournal:
    def test_a_whole_chain_is_good_and_an_altered_or_removed_line_is_named(self, tmp_path: Path) -> None:
        line = Line(tmp_path)
        line("migrate")
        for name in ("zhang", "wang", "zhao"):
            line("createuser", name, "--role", "duty_officer", "--password", GOOD)
        line.python("from anlan.base.journal.sealing import seal_batch\nseal_batch()")
        good = line("journal", "verify")
        assert (good.returncode, good.stdout) == (0, "记录 3 行已封存，0 行待封存，完好\n")
        database = sqlite3.connect(tmp_path / "record.sqlite3")
        database.execute("""UPDATE journal_entry SET data = '{"role": "town_officer"}' WHERE "offset" = 2""")
        database.commit()
        altered = line("journal", "verify")
        assert altered.returncode == 1
        assert "第 2 行：内容与封存时不符" in altered.stdout
        database.execute("""DELETE FROM journal_entry WHERE "offset" = 2""")
        database.commit()
        removed = line("journal", "verify")
        assert (removed.returncode, "缺第 2 至 2 行" in removed.stdout) == (1, True), removed.stdout


class TestUp:
    @pytest.mark.parametrize("sign", ["ports.json", "record.sqlite3", "gateway_ready"])
    def test_stopped_while_it_starts_it_ends_cleanly(self, tmp_path: Path, sign: str) -> None:
        """When the ports are chosen, while tables are laid, while its processes come up."""
        line = Line(tmp_path, ANLAN_DEMO="true", ANLAN_PORT="0", ANLAN_SL651_PORT="0", ANLAN_INGEST_PORT="0")
        argv = [sys.executable, "-m", "anlan.site.cli", "up"]
        with subprocess.Popen(argv, env=line.environment, stderr=subprocess.PIPE, text=True) as process:
            while not (tmp_path / "demo-001" / sign).exists():
                assert process.poll() is None
                time.sleep(0.005)
            family = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGINT)
            _out, error = process.communicate(timeout=30)
        assert "Traceback" not in error
        assert process.returncode == 0
        assert not psutil.wait_procs(family, timeout=5)[1]

    @pytest.mark.parametrize("command", ["up", "doctor", "migrate"])
    def test_a_data_folder_that_is_none_is_refused(self, tmp_path: Path, command: str) -> None:
        (tmp_path / "file").touch()
        done = Line(tmp_path / "file")(command)
        assert done.returncode == 1
        assert "数据目录不能用" in one_line(done)


class TestSimulate:
    def test_where_there_is_no_demo_it_says_so(self, site: Line) -> None:
        for settings in ({}, {"ANLAN_DEMO": "true"}):
            done = site("simulate", "--storm", **settings)
            assert done.returncode == 1
            assert "先运行 anlan up" in one_line(done)

    def test_a_storm_is_asked_of_the_current_demo(self, tmp_path: Path) -> None:
        folder = tmp_path / "demo-002"
        folder.mkdir()
        (tmp_path / "demo_site").write_text("2", encoding="ascii")
        (folder / "clock.json").write_text('{"real_base": 0, "site_base": 0, "rate": 1}', encoding="utf-8")
        assert Line(tmp_path, ANLAN_DEMO="true")("simulate", "--storm").returncode == 0
        assert (folder / "storm_requested").exists()


def _differences(expected: Any, got: Any, path: str = "") -> list[str]:
    """Where an answer differs; only what is expected is compared. Numbers within 1e-6, a null may be missing."""
    if isinstance(expected, dict):
        held = got if isinstance(got, dict) else {}
        found = []
        for key, value in expected.items():
            refused = bool(held.get("error")) and (key == "error" or (key == "crc_ok" and value is False))
            found += [] if refused else _differences(value, held.get(key), f"{path}.{key}")
        return found
    if isinstance(expected, list):
        items = got if isinstance(got, list) else []
        pairs = zip(expected, [*items, *[None] * len(expected)], strict=False)
        found = [text for n, pair in enumerate(pairs) for text in _differences(*pair, f"{path}[{n}]")]
        return (
            found if len(items) == len(expected) else [f"{path}: {len(expected)} expected, {len(items)} given", *found]
        )
    if isinstance(expected, float | int) and not isinstance(expected, bool):
        same = isinstance(got, float | int | str) and abs(float(got) - expected) <= max(1e-6, 1e-6 * abs(expected))
    elif isinstance(expected, str):
        same = str(got).strip().upper() == expected.strip().upper()
    else:
        same = got is expected
    return [] if same else [f"{path}: expected {expected!r}, got {got!r}"]


class TestDecode:
    def test_every_captured_frame_decodes_to_what_is_known_of_it(self, site: Line) -> None:
        records = [json.loads(text) for text in CAPTURES.read_text(encoding="utf-8").splitlines()]
        done = site("decode", "sl651", given="".join(f"{record['hex']}\n" for record in records))
        answers = [json.loads(text) for text in done.stdout.splitlines()]
        assert (done.returncode, len(answers)) == (0, len(records))
        wrong = {
            record["id"]: found
            for record, answer in zip(records, answers, strict=True)
            if (found := _differences(record["expected"], answer))
        }
        assert wrong == {}

    def test_a_stream_in_pieces_gives_its_frames_and_dirt_an_error(self, site: Line) -> None:
        frames = [json.loads(text)["hex"] for text in CAPTURES.read_text(encoding="utf-8").splitlines()[:2]]
        whole = "".join(frames)
        pieces = "\t".join(whole[n : n + 14] for n in range(0, len(whole), 14))
        done = site("decode", "sl651", given=f"STREAM\tDEAD\t{pieces}\nnot hex\n\n")
        stream, dirt, empty = (json.loads(text) for text in done.stdout.splitlines())
        usable = [frame for frame in stream["frames"] if not frame.get("error")]
        assert [frame["station"] for frame in usable] == [bytes.fromhex(f)[3:8].hex().upper() for f in frames]
        assert dirt["error"]
        assert empty["error"]

    def test_an_unknown_protocol_is_refused(self, site: Line) -> None:
        done = site("decode", "nmea", given="7E7E\n")
        assert (done.returncode, done.stdout) == (2, "")
        assert "sl651" in one_line(done)


def test_tokens_are_issued_listed_and_revoked(site: Line) -> None:
    site.python(
        "from datetime import date, datetime, UTC\n"
        "from anlan.base.places.commands import NewPlace, create_places, import_areas\n"
        "from anlan.kernel.actor import system_actor\n"
        "from anlan.kernel.modes import Mode\n"
        "actor, now = system_actor('test', Mode.REAL), datetime(2026, 7, 1, tzinfo=UTC)\n"
        "row = dict(code='149901000000', name='某县', level='county', parent_code='')\n"
        "import_areas(actor, [row], valid_from=date(2020, 1, 1), now=now)\n"
        "station = dict(station='0000000001', interval_min=5)\n"
        "create_places(actor, [NewPlace('TK1', '某站', 'rain_gauge', '149901', 112.9, 36.2, station)], now=now)\n"
    )
    unknown = site("token", "issue", "--device", "tk7")
    assert (unknown.returncode, "tk7" in unknown.stderr) == (1, True)
    issued = site("token", "issue", "--device", "tk7", "--place", "TK1")
    assert issued.returncode == 0, issued.stderr
    token = issued.stdout.strip()
    assert token.startswith("anl_")
    listed = site("token", "list").stdout
    assert token not in listed
    assert f"{token[:12]}…" in listed
    assert "TK7" in listed
    assert site("token", "revoke", "anl_other").returncode == 1
    assert site("token", "revoke", token[:12]).returncode == 0
    assert "吊销于" in site("token", "list").stdout


def test_stored_readings_are_judged_again(site: Line) -> None:
    """Nothing stored, nothing raised: no difference; and times that are none are one line."""
    done = site("rejudge", "--from", "2026-07-20 08:00", "--to", "2026-07-21")
    assert (done.returncode, done.stdout) == (0, "和当时的警情一致\n"), done.stderr
    for start, end in (("gestern", "2026-07-21"), ("2026-07-21", "2026-07-20")):
        wrong = site("rejudge", "--from", start, "--to", end)
        assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (1, "", 1)
