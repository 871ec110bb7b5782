"""Reads of campaigns: the board with its gap list, always with denominators."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from anlan.base.people.models import Person, Post
from anlan.base.people.queries import answers_for, posts_for
from anlan.base.places.queries import area_names, full_name
from anlan.kernel.actor import Actor
from anlan.kernel.clock import beijing
from anlan.kernel.errors import NotFound
from anlan.kernel.modes import Mode

from . import rules
from .models import Attempt, Call, Campaign, CampaignQuerySet
from .packs import seconds_of
from .rules import OUTCOME_WORDS, STAGE_WORDS, Kind, Line, Outcome, Stage


@dataclass(frozen=True)
class Segment:
    """One of the four parts of a row's chain. state: "", go, fail or pass."""

    state: str
    title: str
    detail: str = ""


@dataclass(frozen=True)
class Row:
    """One person of the campaign. due_at: what the deadline pill counts to; door: its task number, if any."""

    call: Call
    people_at_risk: int
    households: int
    posts: str
    name: str
    phone: str
    where: str
    stage: str
    stage_word: str
    woken: bool
    due_at: datetime | None
    chain: tuple[Segment, ...]
    reason: str
    action: str


@dataclass(frozen=True)
class Town:
    """Woken of targets in one town."""

    code: str
    name: str
    woken: int
    targets: int

    @property
    def gap(self) -> int:
        return self.targets - self.woken


@dataclass(frozen=True)
class Board:
    """Everything the call board shows. Times aware; curve: (seconds since opening, woken) points.

    people_gap and people_total count a place once, whoever answers for it. first_dial_s: None = nobody dialled yet.
    """

    campaign: Campaign
    elapsed_s: float
    first_dial_s: float | None
    targets: int
    woken: int
    woken_in_time: int
    woken_self: int
    woken_door: int
    people_gap: int
    people_total: int
    gap: tuple[Row, ...]
    woken_rows: tuple[Row, ...]
    towns: tuple[Town, ...]
    curve: tuple[tuple[float, int], ...]
    text: str
    text_s: float


def visible_campaigns(actor: Actor) -> CampaignQuerySet:
    """Campaigns of the actor's mode and areas. Raises NotPermitted."""
    actor.require("calls.read")
    return Campaign.objects.visible_to(actor).select_related("incident")


def campaign(actor: Actor, number: str) -> Campaign:
    """Raises NotFound where the actor does not see it."""
    found = visible_campaigns(actor).filter(number=number).first()
    if found is None:
        raise NotFound("calls.not_found", f"没有叫应 {number}，或不在您的辖区内")
    return found


def call(actor: Actor, call_id: str) -> Call:
    """Raises NotFound where the actor does not see it."""
    found = (
        Call.objects.visible_to(actor).select_related("campaign", "person", "post", "place").filter(id=call_id).first()
    )
    if found is None:
        raise NotFound("calls.not_found", "没有这通叫应，或不在您的辖区内")
    return found


def office_of(area_code: str) -> str:
    """Who speaks on the telephone: the county's flood headquarters."""
    county = area_code[:6]
    return f"{area_names({county}).get(county, '')}防汛指挥部"


def on_duty(area_code: str, mode: Mode | str, now: datetime) -> tuple[Person, Post] | None:
    """Who has the duty for an area and by which post, nearest desk first: awake by office. None: nobody."""
    for post in posts_for(area_code, ["duty_officer"], mode):
        if (person := answers_for(post, now)) is not None:
            return person, post
    return None


def anybody_being_called(mode: Mode | str) -> bool:
    """Whether a person is still to be reached by telephone: the demo clock slows down then."""
    stages = [Stage.CALLING.value, Stage.WIDENED.value]
    return Call.objects.filter(mode=mode, stage__in=stages).exists()


def board(actor: Actor, campaign: Campaign, now: datetime) -> Board:
    """The call board of a campaign, within what the actor sees. The gap list sorts by people at risk."""
    actor.require("calls.read")
    calls = list(
        Call.objects.visible_to(actor)
        .filter(campaign=campaign, kind__in=[Kind.TARGET.value, Kind.REMINDER.value])
        .exclude(stage=Stage.SUPERSEDED.value)
        .select_related("campaign", "person", "post", "place", "door_task__assignee_person")
        .prefetch_related("attempts", "places", "chain__child__person", "chain__child__attempts")
    )
    names = area_names({item.area_code for item in calls})
    rows = sorted((_row(item, names) for item in calls), key=lambda row: (-row.people_at_risk, row.posts))
    gap, woken = [r for r in rows if not r.woken], [r for r in rows if r.woken]
    risk = {place.id: place.people_at_risk for item in calls for place in item.places.all()}
    open_risk = {place.id for row in gap for place in row.call.places.all()}
    times = sorted((r.call.ended_at - campaign.opened_at).total_seconds() for r in woken if r.call.ended_at)
    first = Attempt.objects.filter(call__campaign=campaign).order_by("planned_at").first()
    return Board(
        campaign=campaign,
        elapsed_s=((campaign.closed_at or now) - campaign.opened_at).total_seconds(),
        first_dial_s=(first.planned_at - campaign.opened_at).total_seconds() if first else None,
        targets=len(rows),
        woken=len(woken),
        woken_in_time=sum(1 for r in woken if r.call.ended_at and r.call.ended_at <= r.call.t_wake_at),
        woken_self=sum(1 for r in woken if r.stage == Stage.ACKED),
        woken_door=sum(1 for r in woken if r.stage == Stage.REACHED),
        people_gap=sum(risk[key] for key in open_risk),
        people_total=sum(risk.values()),
        gap=tuple(gap),
        woken_rows=tuple(woken),
        towns=_towns(rows, names),
        curve=tuple((seconds, index + 1) for index, seconds in enumerate(times)),
        text=campaign.text,
        text_s=seconds_of(campaign.text),
    )


def _towns(rows: list[Row], names: dict[str, str]) -> tuple[Town, ...]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.call.area_code[:9]].append(row)
    towns = [Town(c, names.get(c, c), sum(r.woken for r in g), len(g)) for c, g in groups.items()]
    return tuple(sorted(towns, key=lambda town: (-town.gap, town.code)))


def _row(call: Call, names: dict[str, str]) -> Row:
    stage = Stage(call.stage)
    due = call.t_wake_at
    if stage is Stage.AT_DOOR and call.door_task:
        due = call.door_task.deadline
    action = {Stage.CALLING: "escalate", Stage.WIDENED: "door", Stage.AT_DOOR: "redial"}.get(stage, "")
    return Row(
        call=call,
        people_at_risk=call.people_at_risk,
        households=call.households,
        posts="、".join(call.posts),
        name=call.person.masked_name if call.person else "岗位缺人",
        phone=call.person.masked_phone if call.person else "",
        where=full_name(call.area_code, names),
        stage=call.stage,
        stage_word=STAGE_WORDS[stage],
        woken=stage in rules.WOKEN,
        due_at=due if stage in rules.OPEN else None,
        chain=_chain(call),
        reason=call.reason,
        action=action,
    )


def _chain(call: Call) -> tuple[Segment, ...]:
    """本人 → 副职 → 上级 → 上门."""
    links = {link.kind: link for link in call.chain.all()}
    rung = call.campaign.rung
    over = Stage(call.stage) in rules.TERMINAL
    parts = [_said("本人", call)]
    for kind, word in ((Kind.DEPUTY, "副职"), (Kind.SUPERIOR, "上级")):
        link = links.get(kind.value)
        if link is None:
            parts.append(Segment("", "—") if over else Segment("", f"{word} 待呼", f"{_clock(call.t_wake_at)} 起"))
        elif link.child is None:
            parts.append(Segment("fail", f"{word} 无", "岗位上没有人"))
        else:
            name = link.child.person.masked_name if link.child.person else ""
            parts.append(_said(f"{word} {name}", link.child))
    task = call.door_task
    if task is None:
        by = call.opened_at + timedelta(seconds=rung.door_assign_s)
        parts.append(Segment("", "—") if over or not rung.widen else Segment("", "上门 待派", _clock(by)))
    else:
        who = task.assignee_person.masked_name if task.assignee_person else "无人"
        state = "pass" if task.state in ("submitted", "verified") else "go"
        parts.append(Segment(state, f"上门 {who}", task.number))
    return tuple(parts)


def _said(who: str, call: Call) -> Segment:
    """One person's dials in words: how the last ended, and when the last three began."""
    attempts = sorted(call.attempts.all(), key=lambda a: a.n)
    stage = Stage(call.stage)
    if stage in rules.WOKEN:
        heard = f"听完 {attempts[-1].of:.0f} 秒" if attempts and stage is Stage.ACKED else ""
        return Segment("pass", f"{who} 已应", "，".join(filter(None, [_clock(call.ended_at), heard, call.reason])))
    if not attempts:
        return Segment("fail" if stage is Stage.UNREACHABLE else "go", f"{who} 待拨", call.reason)
    last, times = attempts[-1], " ".join(_clock(attempt.planned_at) for attempt in attempts[-3:])
    if last.line == Line.PLAYING:
        return Segment("go", f"{who} 接听中 {last.seconds:.0f}/{last.of:.0f} 秒", f"第 {last.n} 次")
    if last.line != Line.OVER:
        return Segment("go", f"{who} 第 {last.n} 次响铃", times)
    return Segment("fail", f"{who} {len(attempts)} 次{OUTCOME_WORDS[Outcome(last.outcome)]}", times)


def _clock(moment: datetime | None) -> str:
    return f"{beijing(moment):%H:%M}" if moment else ""


def wake_curve(actor: Actor, campaign: Campaign) -> tuple[int, tuple[float, ...]]:
    """How many were to be woken within what the actor sees, and after how many seconds each was."""
    calls = Call.objects.visible_to(actor).filter(campaign=campaign, kind=Kind.TARGET.value)
    rows = list(calls.exclude(stage=Stage.SUPERSEDED.value).values_list("stage", "ended_at"))
    times = [(ended - campaign.opened_at).total_seconds() for stage, ended in rows if stage in rules.WOKEN and ended]
    return len(rows), tuple(sorted(times))


def campaign_before(actor: Actor, campaign: Campaign) -> Campaign | None:
    """The last one that ended for the same kind of hazard, other than a part of the same incident."""
    earlier = visible_campaigns(actor).filter(hazard=campaign.hazard, opened_at__lt=campaign.opened_at)
    same = Q(incident=campaign.incident) if campaign.incident_id else Q(pk=campaign.pk)
    return earlier.exclude(closed_at=None).exclude(same).order_by("-opened_at").first()
