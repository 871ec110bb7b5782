"""`anlan replay`: a file of readings through the live kernel; every alarm that rules would have raised, a line each.

Bad rows are named on the error output and left out; what was good is judged. Never: a rule of its own.
"""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml
from pydantic import ValidationError

from anlan.kernel.clock import BEIJING
from anlan.kernel.judging.history import Columns, Raised, replay
from anlan.kernel.judging.neighbours import PlaceFacts
from anlan.kernel.judging.packs import RulePack, SourcePack
from anlan.kernel.modes import LEVEL_BY_NAME
from anlan.kernel.packs import PackError, load_family, load_pack

WANTED = ("place", "device", "metric", "time", "value")
SHOWN = 20
LEVEL_NAMES = {number: name for name, number in LEVEL_BY_NAME.items()}


class BadFile(Exception):
    """A file that cannot be read at all; says which and why."""


def run(rules: Path, readings: Path, out: Path, places: Path | None) -> int:
    """Returns the exit status: 0, 1 = some rows were left out, 2 = nothing could be judged."""
    try:
        packs, sources = read_rules(rules)
        columns, bad, seconds = read_readings(readings)
        known = read_places(places) if places else []
        alarms, plan = replay(packs, sources, columns, known, _progress)
    except (BadFile, PackError, ValueError) as error:
        sys.stderr.write(f"anlan replay: {error}\n")
        return 2
    with out.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(_line(alarm, seconds), ensure_ascii=False) + "\n" for alarm in alarms)
    for gap in plan.gaps[:SHOWN]:
        sys.stderr.write(f"没有判：{gap}（没有数据，或没有指标）\n")
    if len(plan.gaps) > SHOWN:
        sys.stderr.write(f"没有判的还有 {len(plan.gaps) - SHOWN} 处\n")
    sys.stderr.write(f"{len(columns.times)} 条数据，{len(plan.cases)} 处判别，{len(alarms)} 起警情 → {out}\n")
    return 1 if bad else 0


def _progress(done: int) -> None:
    sys.stderr.write(f"已判 {done // 1_000_000} 百万条\n")


def _line(alarm: Raised, seconds: bool) -> dict[str, object]:
    """Times in the form in which the file gave them."""

    def told(at: int | None) -> object:
        if at is None:
            return None
        if seconds:
            return at // 1000 if at % 1000 == 0 else at / 1000
        return datetime.fromtimestamp(at / 1000, BEIJING).isoformat()

    return {"rule": alarm.rule, "place": alarm.place, "device": alarm.device, "level": LEVEL_NAMES[alarm.level],
            "raised_at": told(alarm.raised_at), "cleared_at": told(alarm.cleared_at)}  # fmt: skip


def read_rules(path: Path) -> tuple[list[RulePack], list[SourcePack]]:
    """A rule pack, a file with `rules` and `sources`, or a folder of rule packs. Metrics that it does not tell are
    taken from the shipped source packs. Raises PackError or BadFile."""
    shipped = load_family("sources", SourcePack)
    if path.is_dir():
        return [load_pack(found, RulePack) for found in sorted(path.glob("*.yaml"))], list(shipped.values())
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadFile(f"{path}: {error}") from error
    if not isinstance(data, dict) or "rules" not in data:
        return [load_pack(path, RulePack)], list(shipped.values())
    try:
        own = [SourcePack.model_validate(one) for one in data.get("sources", [])]
        rules = [RulePack.model_validate(one) for one in data["rules"]]
    except ValidationError as error:
        lines = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadFile(f"{path.name}: {lines}") from error
    told = {pack.metric for pack in own}
    return rules, [*own, *(pack for pack in shipped.values() if pack.metric not in told)]


def read_places(path: Path) -> list[PlaceFacts]:
    """JSON: a list of {code, kind, attributes, lon, lat, area}, the last three optional. Raises BadFile."""
    try:
        rows: Any = json.loads(path.read_text(encoding="utf-8"))
        return [
            PlaceFacts(row["code"], row["code"], row["kind"], row.get("attributes", {}), row.get("lon"), row.get("lat"),
                       row.get("area", ""))
            for row in rows
        ]  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadFile(f"{path}: 应为列表，每项有 code、kind、attributes：{error}") from error


def read_readings(path: Path) -> tuple[Columns, int, bool]:
    """Columns of a CSV or Parquet file, how many rows were left out, and whether times are seconds. Raises BadFile."""
    try:
        frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadFile(f"{path}: {error}") from error
    missing = [name for name in WANTED if name not in frame.columns]
    if missing:
        raise BadFile(f"{path}: 缺少列 {'、'.join(missing)}；应有 {'、'.join(WANTED)}")
    seconds = _seconds(frame)
    frame = frame.with_row_index("row", offset=2).with_columns(
        _time(frame, seconds).alias("at"), pl.col("value").cast(pl.Float64, strict=False).alias("number")
    )
    silent = pl.col("value").is_null() | (pl.col("value").cast(pl.String).str.strip_chars() == "")
    bad = frame.filter(pl.col("at").is_null() | (~silent & ~pl.col("number").is_finite().fill_null(False)))
    for line in _faults(bad):
        sys.stderr.write(line + "\n")
    good = frame.filter(pl.col("at").is_not_null() & pl.col("number").is_finite())
    keys = good.select(pl.struct(pl.col("place", "device", "metric").cast(pl.String).fill_null("")).alias("key"))
    ids = keys.with_columns(pl.col("key").rank("dense").cast(pl.Int64) - 1).to_series()
    names = keys.with_columns(ids.alias("id")).unique("id").sort("id")["key"].to_list()
    columns = Columns(
        [(name["place"], name["device"], name["metric"]) for name in names],
        ids.to_numpy().astype(np.int64),
        good["at"].to_numpy().astype(np.int64),
        good["number"].to_numpy(),
    )
    return columns, len(bad), seconds


def _seconds(frame: pl.DataFrame) -> bool:
    """Whether times are epoch seconds: the first one is a number."""
    if frame["time"].dtype.is_numeric():
        return True
    first = frame["time"].drop_nulls().head(1).cast(pl.String).to_list()
    return bool(first) and first[0].strip().replace(".", "", 1).isdigit()


def _time(frame: pl.DataFrame, seconds: bool) -> pl.Expr:
    """Unix ms; null = no time. A time without a zone is Beijing's."""
    if frame["time"].dtype.is_temporal():
        return pl.col("time").dt.epoch("ms")
    if seconds:
        return (pl.col("time").cast(pl.Float64, strict=False) * 1000).round().cast(pl.Int64, strict=False)
    return pl.col("time").map_elements(_moment_ms, return_dtype=pl.Int64)


def _moment_ms(text: str) -> int | None:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    aware = found.replace(tzinfo=BEIJING) if found.tzinfo is None else found
    return round(aware.astimezone(UTC).timestamp() * 1000)


def _faults(bad: pl.DataFrame) -> Iterator[str]:
    for row in bad.head(SHOWN).iter_rows(named=True):
        field, said = ("time", row["time"]) if row["at"] is None else ("value", row["value"])
        wanted = "ISO 时间或纪元秒" if field == "time" else "数值，没有则留空"
        yield f"第 {row['row']} 行 {field}：{said!r}，应为{wanted}；这一行没有判"
    if len(bad) > SHOWN:
        yield f"不能用的行共 {len(bad)} 行"
