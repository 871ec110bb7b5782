"""Commands that need the site's tables."""

import argparse
import sys
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from anlan.base.journal.sealing import verify
from anlan.base.people.commands import create_account
from anlan.kernel.actor import system_actor
from anlan.kernel.errors import Refused
from anlan.kernel.modes import Mode
from anlan.site.demo.control import request_storm
from anlan.site.demo.simulator import run_simulator
from anlan.site.demo.site import seed
from anlan.site.doctor import examine
from anlan.site.gateway import run_gateway
from anlan.site.worker import run_worker


def prepare() -> int:
    """Lay or upgrade the tables; fill a demo site that is new."""
    migrate()
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    if settings.CONFIG.demo:
        seed(settings.CONFIG.data)
    return 0


def migrate() -> int:
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
    if storm:
        request_storm(settings.CONFIG.data)
        print("已请求开始暴雨；运行中的演示站点会在几秒内开始")
        return 0
    run_simulator(settings.CONFIG)
    return 0


def create_user(arguments: argparse.Namespace, password: str, now: datetime) -> int:
    mode = Mode.DRILL if settings.CONFIG.demo else Mode.REAL
    try:
        account = create_account(
            system_actor("cli", mode),
            username=arguments.username,
            password=password,
            title=arguments.title or arguments.username,
            role=arguments.role,
            area_code=arguments.area,
            now=now,
        )
    except Refused as error:
        print(f"anlan: {error.message} {error.hint}", file=sys.stderr)
        return 1
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


PLAIN: dict[str, Callable[[], int]] = {
    "prepare": prepare,
    "migrate": migrate,
    "gateway": gateway,
    "worker": worker,
    "doctor": doctor,
}
