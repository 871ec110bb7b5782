"""The rules in force and their changes: read anew when a file changed, edited by command, undone by command.

Never: an edit whose own examples no longer hold, or one over somebody else's that its author had not seen.
"""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any

from anlan.base.journal.commands import command, record
from anlan.kernel.actor import Actor
from anlan.kernel.clock import beijing
from anlan.kernel.errors import Conflict, Invalid, NotFound
from anlan.kernel.judging.packs import RulePack
from anlan.kernel.judging.trial import failures
from anlan.kernel.packs import folders, stamp
from anlan.loop.sensing.queries import source_packs

from . import rulefiles
from .judging import rule_packs
from .models import RuleChange
from .rulefiles import Number

Stamp = tuple[tuple[str, int, int], ...]
_read: dict[str, Stamp] = {}


def refresh() -> bool:
    """Let this process read the packs anew if a file of theirs changed; True = it did."""
    now = stamp(rulefiles.FAMILY)
    if _read.get("stamp") == now:
        return False
    rule_packs.cache_clear()
    rule_packs()
    _read["stamp"] = now
    return True


def rules() -> dict[str, RulePack]:
    """Rule packs by URN, as the files stand now."""
    refresh()
    return rule_packs()


def rule(key: str) -> RulePack:
    """One rule by the last part of its URN. Raises NotFound."""
    found = rules().get(f"urn:anlan:rules:{key}")
    if found is None:
        raise NotFound("rules.not_found", f"没有规则 {key}")
    return found


def shipped_text(urn: str) -> str:
    """The pack's text without what was changed on the page; "" = there is none."""
    return _layered(folders()[:-1]).get(urn, "")


def text_of(urn: str) -> str:
    """The pack's text in force."""
    return _layered(folders()).get(urn, "")


def edited_here() -> dict[str, str]:
    """Texts of the rules that were changed on their page, by URN."""
    return rulefiles.texts(folders()[-1])


def _layered(roots: tuple[Any, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for root in roots:
        found |= rulefiles.texts(root)
    return found


def history(urn: str) -> list[RuleChange]:
    """Its changes, the latest first."""
    return list(RuleChange.objects.filter(urn=urn).order_by("-changed_at", "-id"))


def edited(urn: str, values: Mapping[str, str], status: str, examples: Mapping[str, str]) -> dict[str, Any]:
    """The pack's data in force with other numbers. values: by the name of the number. examples: "0.readings" and
    "0.expect" of those that are to be other, as "minute value; minute value". Raises Invalid."""
    pack = deepcopy(rulefiles.raw(text_of(urn)))
    known: dict[str, Number] = {number.name: number for number in rulefiles.numbers(pack)}
    for name, text in values.items():
        if name not in known:
            raise Invalid(name, f"这条规则没有数字 {name}")
        rulefiles.put(pack, known[name], text)
    if status not in ("stable", "trial"):
        raise Invalid("status", "状态是 stable 或 trial")
    pack["status"] = status
    for name, text in examples.items():
        place, _dot, what = name.partition(".")
        if what not in ("readings", "expect") or not place.isdigit() or int(place) >= len(pack["examples"]):
            raise Invalid(name, f"没有例子 {name}")
        pack["examples"][int(place)] = {**pack["examples"][int(place)], what: pairs(name, text, what == "readings")}
    return pack


def pairs(name: str, text: str, numeric: bool) -> list[list[object]]:
    """ "0 10; 5 12.5" → [[0, 10], [5, 12.5]]; the second is a level's name unless numeric. Raises Invalid."""
    found: list[list[object]] = []
    for part in filter(None, (part.strip() for part in text.replace("；", ";").split(";"))):
        try:
            minute, value = part.split()
            found.append([float(minute), float(value) if numeric else value])
        except ValueError:
            raise Invalid(name, f"“{part}”看不懂", "写成“分钟 数值; 分钟 数值”") from None
    return found


def checked(pack: Mapping[str, Any]) -> RulePack:
    """The data as a rule whose examples hold. Raises Invalid naming the example that does not."""
    found = rulefiles.parse(rulefiles.dump(pack))
    wrong = failures(found, source_packs().values(), [one for one in rules().values() if one.urn != found.urn])
    if wrong:
        raise Invalid("examples", f"例子不成立：{wrong[0]}", "改数字，或把例子的数据和应有结果一起改")
    return found


def _next_version(urn: str) -> str:
    base = str(rulefiles.raw(shipped_text(urn)).get("version", "0"))
    return f"{base}+county.{RuleChange.objects.filter(urn=urn).count() + 1}"


def _require_seen(urn: str, seen: str) -> None:
    rule_packs.cache_clear()
    if rules()[urn].ref != seen:
        raise Conflict("rules.changed_meanwhile", "这条规则刚被别人改过", "重新打开页面，看过再改")


@command("rules.change", permission="rules.edit")
def change(actor: Actor, pack: Mapping[str, Any], /, *, seen: str, why: str, now: datetime) -> RulePack:
    """Put an edited pack in force. pack: what `edited` gave; seen: ref of the pack that it was made from.

    The file is replaced last: a change that is not recorded is not in force. Raises Invalid, Conflict.
    """
    urn = str(pack.get("urn", ""))
    if not why.strip():
        raise Invalid("why", "请写为什么改")
    if not shipped_text(urn):
        raise NotFound("rules.not_found", f"没有规则 {urn}")
    _require_seen(urn, seen)
    dated = {**pack, "version": _next_version(urn), "effective": beijing(now).date()}
    made = checked(dated)
    if not any(d.path[0] not in ("version", "effective") for d in _different(urn, dated)):
        raise Invalid("numbers", "没有改任何数字")
    _put(actor, urn, made.version, rulefiles.dump(dated), why, now)
    return made


def _different(urn: str, pack: Mapping[str, Any]) -> list[rulefiles.Difference]:
    return rulefiles.differences({"status": "stable", **rulefiles.raw(text_of(urn))}, pack)


@command("rules.undo", permission="rules.edit")
def undo(actor: Actor, urn: str, /, *, to: str, seen: str, why: str, now: datetime) -> RulePack:
    """Back to the pack as shipped (to="shipped"), or to what stood before the last change (to="before").

    Raises Invalid, Conflict where there is nothing to undo.
    """
    if not why.strip():
        raise Invalid("why", "请写为什么改")
    _require_seen(urn, seen)
    last = RuleChange.objects.filter(urn=urn).order_by("-changed_at", "-id").first()
    if to not in ("shipped", "before"):
        raise Invalid("to", "只能回到 shipped 或 before")
    if to == "before" and last is None:
        raise Conflict("rules.nothing_before", "这条规则没有改过")
    if to == "shipped" and urn not in edited_here():
        raise Conflict("rules.as_shipped", "这条规则就是出厂的样子")
    text = last.before if to == "before" and last is not None else ""
    if text:
        text = rulefiles.dump({**rulefiles.raw(text), "version": _next_version(urn), "effective": beijing(now).date()})
    made = rulefiles.parse(text or shipped_text(urn))
    _put(actor, urn, made.version, text, why, now)
    return made


def _put(actor: Actor, urn: str, version: str, text: str, why: str, now: datetime) -> None:
    RuleChange.objects.create(
        urn=urn, version=version, changed_at=now, changed_by=actor.label, account_id=actor.account_id,
        why=why.strip()[:240], before=edited_here().get(urn, ""), after=text,
    )  # fmt: skip
    record(actor, "rules.changed", subject=f"rule:{urn.rsplit(':', 1)[-1]}", now=now, data={"version": version})
    rulefiles.write(folders()[-1], urn, text)
    rule_packs.cache_clear()
