"""`anlan doctor`: what a person would check first, with a hint for each finding."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import DatabaseError

from anlan.kernel.clock import beijing
from anlan.kernel.packs import PackError, load_family
from anlan.loop.sensing.chunks import DAY_MS
from anlan.loop.sensing.folding import kept
from anlan.loop.sensing.queries import moment

from .checks.packs import FAMILIES
from .config import Config
from .supervisor import free_port


@dataclass(frozen=True)
class Finding:
    good: bool
    what: str
    hint: str = ""


def examine(conf: Config) -> list[Finding]:
    """All findings, in the order in which they should be mended."""
    return [*_machine(conf), *_ports(conf), *_databases(), *_readings(conf), *_packs()]


def _machine(conf: Config) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(sys.version_info >= (3, 11), f"Python {version}", "" if sys.version_info >= (3, 11) else "要 3.11+")
    there = next(folder for folder in (conf.data.absolute(), *conf.data.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free / 1e9
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


def _readings(conf: Config) -> Iterator[Finding]:
    """What is kept of the readings, how big it is, and whether something holds the folding up."""
    try:
        held = kept()
    except DatabaseError:
        return  # the line above has said why
    since = "" if held.first_day is None else f"，最早 {beijing(moment(held.first_day * DAY_MS)):%Y-%m-%d}"
    each = f"，每条 {held.chunk_bytes / held.readings:.1f} 字节" if held.readings else ""
    yield Finding(
        not held.fault,
        f"数据 {held.readings} 条已折叠{since}（{held.chunks} 段 {held.chunk_bytes / 1e6:.1f} MB{each}），"
        f"汇总 {held.roll_up_bytes / 1e6:.1f} MB，原始块 {held.blocks} 个，其中待折叠 {held.unfolded} 个；"
        f"块留 {conf.readings_keep_block_days} 天，逐条数据留 {conf.readings_keep_raw_years} 年，汇总长期保存",
        f"折叠停在：{held.fault}；原始块都还在，把这一行报给维护人员" if held.fault else "",
    )


def _packs() -> Iterator[Finding]:
    for family, pack in FAMILIES.items():
        try:
            yield Finding(True, f"规则包 {family} {len(load_family(family, pack))} 个")
        except PackError as error:
            yield Finding(False, f"规则包 {family}", str(error))


def _ports(conf: Config) -> Iterator[Finding]:
    """A taken port is no fault: `up` takes the next one, or it is this site that holds it."""
    for what, host, port in (("网页", conf.host, conf.port), ("水文站", conf.sl651_host, conf.sl651_port)):
        free = free_port(host, port) == port or not port
        hint = "" if free else "本站点正在运行，或被别的程序占用；启动时会用下一个空闲端口"
        yield Finding(True, f"端口 {what} {host}:{port} {'空闲' if free else '已占用'}", hint)
