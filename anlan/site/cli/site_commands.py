"""Commands that need the site's tables."""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.utils import OperationalError, ProgrammingError
from django.utils import translation

from anlan.base.journal.sealing import verify
from anlan.base.people.commands import create_account
from anlan.base.places.models import Area
from anlan.kernel.actor import system_actor
from anlan.kernel.clock import beijing
from anlan.kernel.errors import Refused
from anlan.kernel.modes import LEVEL_WORDS
from anlan.kernel.packs import PackError
from anlan.loop.alarms.rejudging import differences
from anlan.site.demo.control import request_storm
from anlan.site.demo.simulator import run_simulator
from anlan.site.demo.site import seed
from anlan.site.doctor import examine
from anlan.site.gateway import run_gateway
from anlan.site.worker import run_worker
from anlan.ui.context import site_clock

from . import tokens


def prepare() -> int:
    """Lay or upgrade the tables; fill a demo site that is new."""
    migrate()
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    if settings.CONFIG.demo:
        seed(settings.CONFIG.data)
    return 0


def migrate() -> int:
    """Lay or upgrade the tables of every database."""
    settings.CONFIG.data.mkdir(parents=True, exist_ok=True)
    for alias in connections:
        call_command("migrate", database=alias, verbosity=0, skip_checks=True)
    return 0


def gateway() -> int:
    run_gateway()
    return 0


def worker() -> int:
    run_worker()
    return 0


def doctor() -> int:
    """Print every finding; exit 1 when one of them stops the site from working."""
    findings = examine(settings.CONFIG)
    for finding in findings:
        print(f"{'✓' if finding.good else '✗'} {finding.what}" + (f" — {finding.hint}" if finding.hint else ""))
    return 0 if all(finding.good for finding in findings) else 1


def simulate(*, storm: bool) -> int:
    """Send the demo's frames until stopped; or ask the simulator that runs to begin a storm."""
    folder = settings.CONFIG.data
    if not (settings.CONFIG.demo and (folder / "clock.json").exists()):
        return _fail("这里没有演示站点，先运行 anlan up")
    if storm:
        request_storm(folder)
        print("已请求开始暴雨；运行中的演示站点会在几秒内开始")
        return 0
    run_simulator(settings.CONFIG)
    return 0


def create_user(arguments: argparse.Namespace, password: str) -> int:
    """Open an account; on a demo site from the demo's own time on."""
    if arguments.area and not Area.objects.filter(code=arguments.area).exists():
        return _fail(f"没有区划 {arguments.area}；代码不带末尾的 0，如 140427、140427203")
    account = create_account(
        system_actor("cli", settings.CONFIG.mode),
        username=arguments.username,
        password=password,
        title=arguments.title or arguments.username,
        role=arguments.role,
        area_code=arguments.area,
        now=site_clock().now(),
    )
    print(f"已建账号 {account.username}")
    return 0


def journal_verify() -> int:
    """Walk the chain; exit 1 and name each fault when a line was altered, removed or inserted."""
    result = verify()
    for fault in result.faults:
        print(f"第 {fault.offset} 行：{fault.what}")
    state = "完好" if not result.faults else f"有 {len(result.faults)} 处问题"
    print(f"记录 {result.sealed} 行已封存，{result.unsealed} 行待封存，{state}")
    return 1 if result.faults else 0


def rejudge(start: str, end: str) -> int:
    """Stored readings judged again: a line for each difference to the alarms of that time; exit 1 where there are."""
    try:
        span = [datetime.fromisoformat(text) for text in (start, end)]
    except ValueError:
        return _fail("--from、--to 应为北京时间，如 2026-07-20 08:00")
    first, last = (one if one.tzinfo else one.replace(tzinfo=beijing(one.replace(tzinfo=UTC)).tzinfo) for one in span)
    if not first < last:
        return _fail("开始时间应早于结束时间")
    words = {"missing": "当时没有报，现在会报", "extra": "当时报了，现在不会报", "level": "级别不同"}
    found = differences(first, last)
    for one in found:
        was, now = (LEVEL_WORDS[level] if level else "无" for level in (one.was, one.would_be))
        what = f"{one.place.name} {one.rule} {words[one.kind]}"
        print(f"{beijing(one.at):%Y-%m-%d %H:%M} {what}：当时 {was}，现在 {now}")
    print(f"{len(found)} 处不同" if found else "和当时的警情一致")
    return 1 if found else 0


def run(arguments: argparse.Namespace, password: Callable[[], str]) -> int:
    """Do what the parsed arguments say. A refusal, or tables that are not there, is one line on standard error."""
    translation.activate(settings.LANGUAGE_CODE)
    try:
        if arguments.command == "createuser":
            return create_user(arguments, arguments.password or password())
        if arguments.command == "simulate":
            return simulate(storm=arguments.storm)
        if arguments.command == "journal":
            return journal_verify()
        if arguments.command == "rejudge":
            return rejudge(arguments.start, arguments.end)
        if arguments.command == "token":
            return tokens.run(arguments)
        return PLAIN[arguments.command]()
    except PackError as error:
        return _fail(f"规则包有错：{error}")
    except Refused as error:
        return _fail(f"{error.message} {error.hint}".rstrip())
    except (OperationalError, ProgrammingError) as error:
        return _fail(
            f"数据库不能用（{str(error).splitlines()[0]}）；运行 anlan doctor 看原因，新站点先运行 anlan migrate"
        )


LASTING = ("gateway", "worker")


def _fail(message: str) -> int:
    print(f"anlan: {message}", file=sys.stderr)
    return 1


PLAIN: dict[str, Callable[[], int]] = {
    "prepare": prepare,
    "migrate": migrate,
    "gateway": gateway,
    "worker": worker,
    "doctor": doctor,
}
