"""Rules on screen: what each says and did, what other numbers would have done, the edit, and its undoing."""

import hashlib
import json
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from anlan.base.places.models import Place
from anlan.kernel.errors import Invalid, Refused
from anlan.kernel.judging.operators import OPERATORS
from anlan.kernel.judging.packs import RulePack
from anlan.kernel.judging.trial import failures
from anlan.kernel.modes import LEVEL_BY_NAME
from anlan.loop.sensing.queries import source_packs
from anlan.ui.acts import done
from anlan.ui.language import say
from anlan.ui.requests import ActorRequest, page
from anlan.ui.tables import whole
from anlan.ui.words import span

from . import rule_trials, rulebook, rulefiles
from .packs import hazard_title
from .queries import visible_alarms

DAYS = 30
SHOWN = 50
ALONE = {"device": "设备", "reservoir": "水库"}
"""Hazards whose alarms make no incident and have no title in a pack."""
SHOWS = {"fires": "达到", "silent": "不报", "clears": "解除"}


def _key(rule: RulePack) -> str:
    return rule.urn.rsplit(":", 1)[-1]


def _hazard(rule: RulePack) -> str:
    title = hazard_title(rule.hazard)
    return say(ALONE.get(title, title))


@page("rules.read")
def rule_list(request: ActorRequest) -> HttpResponse:
    """All rules with what they raised in 30 days. Sorted by name, alarms or date; filtered by hazard and status."""
    alarms = visible_alarms(request.actor).filter(raised_at__gt=request.now - timedelta(days=DAYS))
    raised: dict[str, int] = {}
    for urn in alarms.values_list("rule", flat=True) if request.actor.may("alarms.read") else ():
        raised[urn] = raised.get(urn, 0) + 1
    edited = rulebook.edited_here()
    kinds = list(Place.objects.visible_to(request.actor).filter(valid_to=None).values_list("kind", flat=True))
    rows: list[dict[str, Any]] = [
        {"rule": one, "key": _key(one), "hazard": _hazard(one), "raised": raised.get(one.urn, 0),
         "places": kinds.count(one.applies_to), "edited": one.urn in edited}
        for one in rulebook.rules().values()
    ]  # fmt: skip
    hazards = sorted({(one.hazard, _hazard(one)) for one in rulebook.rules().values()})
    hazard, status = request.GET.get("hazard", ""), request.GET.get("status", "")
    rows = [r for r in rows if hazard in ("", r["rule"].hazard) and status in ("", r["rule"].status)]
    sorts: dict[str, Any] = {
        "": lambda r: (r["rule"].status, r["hazard"], r["key"]), "title": lambda r: r["rule"].title,
        "raised": lambda r: -r["raised"], "effective": lambda r: r["rule"].effective,
    }  # fmt: skip
    sort = request.GET.get("sort", "")
    if sort not in sorts:
        raise Invalid("sort", _("不能按“%(name)s”排序") % {"name": sort}, "、".join(filter(None, sorts)))
    rows.sort(key=sorts[sort])
    context = {"rows": rows, "hazards": hazards, "hazard": hazard, "status": status, "sort": sort}
    return render(request, "alarms/rules.html", context)


def _levels(rule: RulePack) -> list[tuple[int, list[str]]]:
    """Each level with its limits, span by span, in words."""
    out = []
    for level in rule.levels:
        own = level.from_place
        if own is not None:
            cells = [_("对象的 %(name)s × %(times)s") % {"name": f"{own.attribute} {own.column}".strip(),
                                                       "times": f"{own.times:g}"}]  # fmt: skip
        else:
            cells = [f"{span(name)} {level.limits[name]:g}" for name in rule.spans if name in level.limits]
        out.append((LEVEL_BY_NAME[level.level], cells))
    return out


def _differences(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str, str]]:
    words = [
        (" · ".join(filter(None, (say(rulefiles.WORDS.get(key, span(key))) for key in one.path))), one.old, one.new)
        for one in rulefiles.differences(old, new)
    ]
    return [(name, say(rulefiles.WORDS.get(old, old)), say(rulefiles.WORDS.get(new, new))) for name, old, new in words]


@page("rules.read")
def rule_page(request: ActorRequest, key: str) -> HttpResponse:
    """One rule: meaning, limits, examples with their result, difference to the shipped pack, alarms of 30 days."""
    rule = rulebook.rule(key)
    operator = OPERATORS.get(rule.operator)
    alarms = visible_alarms(request.actor).filter(rule=rule.urn, raised_at__gt=request.now - timedelta(days=DAYS))
    wrong = failures(rule, source_packs().values(), [one for one in rulebook.rules().values() if one.urn != rule.urn])
    edited = rule.urn in rulebook.edited_here()
    context = {
        "rule": rule, "key": key, "hazard": _hazard(rule), "operator": operator, "levels": _levels(rule),
        "examples": [(one, next((text for text in wrong if f"'{one.name}'" in text), "")) for one in rule.examples],
        "edited": edited, "history": rulebook.history(rule.urn)[:20], "shows": SHOWS,
        "differences": _differences(rulefiles.raw(rulebook.shipped_text(rule.urn)),
                                    rulefiles.raw(rulebook.text_of(rule.urn))) if edited else [],
        "alarms": list(alarms.order_by("-raised_at")[:SHOWN]) if request.actor.may("alarms.read") else [],
        "count": alarms.count(), "open": alarms.open().count(), "gaps": rule_trials.gaps(request.actor, rule),
        "may_edit": request.actor.may("rules.edit"),
    }  # fmt: skip
    return render(request, "alarms/rule.html", context)


@page("rules.read")
def rule_trial(request: ActorRequest, key: str) -> HttpResponse:
    """What the rule would have raised: a part of its page, asked for when the page is open."""
    trial = rule_trials.kept(request.actor, rulebook.rule(key), days=DAYS, now=request.now)
    return render(request, "alarms/trial.html", {"trial": trial, "shown": trial.episodes[:SHOWN]})


@page("rules.edit", "GET", "HEAD", "POST")
def rule_edit(request: ActorRequest, key: str) -> HttpResponse:
    """The form; what its numbers would have raised; and, once that was looked at, the saving."""
    rule = rulebook.rule(key)
    pack = rulefiles.raw(rulebook.text_of(rule.urn))
    given = request.POST
    values = {one.name: given.get(one.name, one.text) for one in rulefiles.numbers(pack)}
    examples = {name: given[name] for name in given if name.endswith((".readings", ".expect"))}
    status = given.get("status", rule.status)
    digest = hashlib.sha256(json.dumps([values, examples, status], sort_keys=True).encode()).hexdigest()
    context: dict[str, Any] = {
        "rule": rule, "key": key, "groups": _groups(pack, values), "status": status, "why": given.get("why", ""),
        "examples": [
            (n, one, given.get(f"{n}.readings", _pairs(one.readings)), given.get(f"{n}.expect", _pairs(one.expect)))
            for n, one in enumerate(rule.examples)
        ],
        "days": given.get("days", str(DAYS)), "seen": given.get("seen", rule.ref), "digest": digest,
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "alarms/rule_edit.html", context)
    try:
        days = whole("days", str(context["days"]), 1, 90)
        made = rulebook.edited(rule.urn, values, status, examples)
        tried = rulebook.checked(made)
        if given.get("act") == "save" and given.get("tried") == digest:
            rulebook.change(request.actor, made, seen=str(context["seen"]), why=str(context["why"]), now=request.now)
            return done(request, reverse("rule", args=[key]), _("已保存，网关正在按新数字判别"))
        old, new = rule_trials.run(request.actor, [rule, tried], days=days, now=request.now)
    except Refused as error:
        if error.status not in (409, 422):
            raise
        return render(request, "alarms/rule_edit.html", {**context, "error": error}, status=error.status)
    context |= {"old": old, "new": new, "found": rule_trials.compare(old, new), "tried": True,
                "counts": [(level, old.levels()[level], new.levels()[level]) for level in (4, 3, 2, 1)],
                "differences": _differences(pack, made)}  # fmt: skip
    return render(request, "alarms/rule_edit.html", context)


def _pairs(rows: list[Any]) -> str:
    return "; ".join(
        f"{row[0]:g} {row[1]:g}" if not isinstance(row[1], str) else f"{row[0]:g} {row[1]}" for row in rows
    )


def _groups(pack: dict[str, Any], values: dict[str, str]) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Fields under a heading each: name, label, value."""
    out: dict[str, list[tuple[str, str, str]]] = {}
    for one in rulefiles.numbers(pack):
        first, *rest = one.path
        title = say(rulefiles.WORDS.get(str(first), str(first)))
        if first == "levels":
            title, rest = say(rulefiles.WORDS[pack["levels"][rest[0]]["level"]]), rest[2:]
        label = " ".join(say(rulefiles.WORDS.get(str(part), span(str(part)))) for part in rest) if rest else ""
        out.setdefault(title, []).append((one.name, label, values[one.name]))
    return list(out.items())


@page("rules.edit", "POST")
def rule_undo(request: ActorRequest, key: str) -> HttpResponse:
    """Back to the shipped pack or to the version before."""
    given = request.POST
    rulebook.undo(
        request.actor, rulebook.rule(key).urn, to=given.get("to", ""), seen=given.get("seen", ""),
        why=given.get("why", ""), now=request.now,
    )  # fmt: skip
    return done(request, reverse("rule", args=[key]), _("已撤销，网关正在按原来的数字判别"))
