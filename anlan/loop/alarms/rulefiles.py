"""The text of a rule pack: its numbers as fields, what differs between two texts, an edited text, and its file.

Fields are found in the YAML itself, so that a pack may have numbers that this module knows no words for; those are
shown by their own name. Never: a rule's meaning, or a file outside the last of the folders that packs are read from.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from anlan.kernel.errors import Invalid
from anlan.kernel.judging.packs import RulePack
from anlan.kernel.judging.plan import span_ms
from anlan.kernel.packs import SHIPPED

FAMILY = "rules"
SPAN = re.compile(r"0|interval\*\d+(\.\d+)?|\d+(\.\d+)?(s|min|h|d)")
HEAD = "# Written by the page of this rule; the shipped pack is untouched.\n"
SKIPPED = frozenset({"urn", "version", "title", "norm", "effective", "digest", "examples", "hazard", "applies_to"})
WORDS = {
    "levels": "级别", "limits": "指标", "times": "× 对象自己的指标", "spans": "时段", "status": "状态",
    "clear_ratio": "解除：低于指标的倍数", "clear_step": "解除：低于指标多少", "hold": "须持续", "extra": "第二个时长",
    "need": "至少几处", "examples": "例子", "readings": "数据", "expect": "应有结果", "effective": "生效日期",
    "version": "版本", "blue": "蓝色", "yellow": "黄色", "orange": "橙色", "red": "红色", "from_place": "",
    "stable": "正式", "trial": "试运行",
}  # fmt: skip
Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Number:
    """One number of a pack that may be edited. kind: "number" or "span" (3h, 90min, 0, interval*3)."""

    path: Path_
    kind: str
    text: str

    @property
    def name(self) -> str:
        """Its name in a form."""
        return ".".join(map(str, self.path))


def texts(root: Path) -> dict[str, str]:
    """Text of each rule pack of one folder by URN."""
    found = {}
    for path in sorted((root / FAMILY).glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        found[str(yaml.safe_load(text)["urn"])] = text
    return found


def raw(text: str) -> dict[str, Any]:
    """The text as plain data, dates and all."""
    found = yaml.safe_load(text)
    return deepcopy(found) if isinstance(found, dict) else {}


def numbers(pack: Mapping[str, Any]) -> list[Number]:
    """What may be edited, in the order of the file; examples, norm and name apart."""
    return [found for key, value in pack.items() if key not in SKIPPED for found in _numbers((key,), value)]


def _numbers(path: Path_, value: object) -> Iterator[Number]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers((*path, str(key)), inner)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _numbers((*path, place), inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield Number(path, "number", f"{value:g}")
    elif isinstance(value, str) and SPAN.fullmatch(value):
        yield Number(path, "span", value)


def put(pack: dict[str, Any], number: Number, text: str) -> None:
    """Set a number in the data. Raises Invalid where the text is none."""
    text = text.strip()
    at: Any = pack
    for key in number.path[:-1]:
        at = at[key]
    if number.kind == "span":
        try:
            span_ms(text, 1.0)
        except ValueError:
            raise Invalid(number.name, f"“{text}”不是时长", "例如 3h、90min、0、interval*3") from None
        at[number.path[-1]] = text
        return
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < 1e9:
        raise Invalid(number.name, f"“{text}”不是数", "用阿拉伯数字，小数点用“.”")
    at[number.path[-1]] = int(value) if value == int(value) else value


def dump(pack: Mapping[str, Any]) -> str:
    """The data as the text of a pack file."""
    body: str = yaml.safe_dump(dict(pack), allow_unicode=True, sort_keys=False, width=118, default_flow_style=None)
    return HEAD + body


def parse(text: str) -> RulePack:
    """The pack of a text. Raises Invalid naming the field that cannot be."""
    try:
        return RulePack.model_validate({**raw(text), "digest": hashlib.sha256(text.encode()).hexdigest()})
    except ValidationError as error:
        first = error.errors()[0]
        raise Invalid(".".join(map(str, first["loc"])) or "rule", f"规则不成立：{first['msg']}") from error


@dataclass(frozen=True)
class Difference:
    """One line in which two packs differ; "" = it does not stand there. path: what it is, in words of the pack."""

    path: tuple[str, ...]
    old: str
    new: str


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Line by line what is different, in the order of the new one."""
    before, after = dict(_flat((), old)), dict(_flat((), new))
    changed = [key for key in (*after, *(k for k in before if k not in after)) if before.get(key) != after.get(key)]
    return [Difference(key, before.get(key, ""), after.get(key, "")) for key in changed]


def _flat(path: tuple[str, ...], value: object) -> Iterator[tuple[tuple[str, ...], str]]:
    """Leaves with their path. Members of a list are named by their level or name, where they have one."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat((*path, str(key)), inner)
    elif isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
        for place, one in enumerate(value, 1):
            name = str(one.get("level") or one.get("name") or place)
            yield from _flat((*path, name), {k: v for k, v in one.items() if k not in ("level", "name")})
    else:
        yield path, f"{value:g}" if isinstance(value, float) else str(value)


def write(folder: Path, urn: str, text: str) -> None:
    """Put the text in the place of the rule's file, whole or not at all; "" takes the file away."""
    if folder == SHIPPED:
        raise RuntimeError("no folder to write packs to")
    target = folder / FAMILY / f"{urn.rsplit(':', 1)[-1]}.yaml"
    if not text:
        target.unlink(missing_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=target.parent, prefix=".", suffix=".part", delete=False
    ) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(target)
