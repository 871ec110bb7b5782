"""`anlan doctor`: what a person would check first, with a hint for each finding."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import DatabaseError

from anlan.base.people.roles import roles
from anlan.base.places.kinds import kinds
from anlan.base.tasks.packs import task_ladders
from anlan.kernel.packs import PackError

from .config import Config


@dataclass(frozen=True)
class Finding:
    good: bool
    what: str
    hint: str = ""


def examine(conf: Config) -> list[Finding]:
    """All findings, in the order in which they should be mended."""
    return [*_machine(conf), *_databases(), *_packs()]


def _machine(conf: Config) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(sys.version_info >= (3, 11), f"Python {version}", "" if sys.version_info >= (3, 11) else "要 3.11+")
    free = shutil.disk_usage(conf.data if conf.data.exists() else conf.data.parent).free / 1e9
    yield Finding(free > 1, f"数据目录所在磁盘剩余 {free:.1f} GB", "" if free > 1 else "至少留 1 GB")
    yield Finding(
        True, "外呼网关 " + (conf.voice_url or "未配置"), "" if conf.voice_url else "设 ANLAN_VOICE_URL 才能拨号"
    )


def _databases() -> Iterator[Finding]:
    for alias in connections:
        connection = connections[alias]
        try:
            executor = MigrationExecutor(connection)
            pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        except DatabaseError as error:
            yield Finding(
                False, f"数据库 {alias}（{connection.vendor}）打不开：{error}", "检查 ANLAN_DATABASE_URL 或数据目录"
            )
            continue
        hint = "运行 anlan migrate" if pending else ""
        yield Finding(not pending, f"数据库 {alias}（{connection.vendor}），待升级 {len(pending)} 步", hint)


def _packs() -> Iterator[Finding]:
    for title, load in (("对象种类", kinds), ("角色", roles), ("任务梯级", task_ladders)):
        try:
            yield Finding(True, f"规则包 {title} {len(load())} 个")
        except PackError as error:
            yield Finding(False, f"规则包 {title}", str(error))
