"""The judgement kernel of a running site: built from places × rule packs, restored after a stop, synced to alarms.

The kernel says at which level a case (a rule at a place) stands; `sync` brings the alarm rows to it through commands,
each idempotent, so that a repeated sync after a crash changes nothing. Never: a threshold in code.
"""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache

import numpy as np
from django.db import OperationalError
from django.db.models import QuerySet

from anlan.base.places.models import Place
from anlan.kernel.actor import system_actor
from anlan.kernel.judging.cases import Step
from anlan.kernel.judging.kernel import HORIZON_MS, Kernel, Transitions
from anlan.kernel.judging.layout import VOID, Ints
from anlan.kernel.judging.neighbours import distance_km
from anlan.kernel.judging.packs import Agreement, RulePack
from anlan.kernel.judging.plan import Feed, PlaceFacts, Plan, Source, build, span_ms
from anlan.kernel.judging.snapshot import SnapshotMismatch
from anlan.kernel.modes import LEVEL_BY_NAME, Mode
from anlan.kernel.packs import load_family
from anlan.loop.sensing.blocks import JUDGED, WITHDRAWN, Columns, unpack
from anlan.loop.sensing.commands import store_snapshot
from anlan.loop.sensing.models import Block, Series, Snapshot
from anlan.loop.sensing.queries import moment, ms, source_packs
from anlan.loop.sensing.router import readings_alias

from . import commands
from .models import Alarm
from .rules import RuleFacts, State

MOST = 1e15
"""Fixed-point numbers beyond it are no measurement; they are kept, and not judged."""
log = logging.getLogger("anlan.judging")


@cache
def rule_packs() -> dict[str, RulePack]:
    """Rule packs by URN."""
    return load_family("rules", RulePack)


def facts_of(pack: RulePack) -> RuleFacts:
    """What an alarm freezes of its rule."""
    signed_from = LEVEL_BY_NAME[pack.lowering.signed_from]
    return RuleFacts(pack.urn, pack.ref, pack.title, pack.hazard, pack.lowering.how, signed_from)


def facts_of_place(place: Place) -> PlaceFacts:
    """What a plan needs of a place; its key is the place's id as text."""
    return PlaceFacts(
        str(place.id), place.code, place.kind, place.attributes, place.lon, place.lat, place.area_code
    )  # fmt: skip


def sources_of(series: QuerySet[Series]) -> list[Source]:
    """Stored series as a plan takes them, in the order in which they were opened."""
    stored = series.select_related("device__place").order_by("id")
    return [Source(one.device.place.code, one.metric, one.id) for one in stored]


class Judge:
    """Kernel, plan and the places behind them. One per gateway; not thread-safe."""

    def __init__(self) -> None:
        self.places: dict[str, Place] = {}
        self.plan = Plan()
        self.kernel = Kernel([], [])
        self.feed = Feed(self.plan)
        self.parts: set[str] = set()
        self.by_code: dict[str, PlaceFacts] = {}
        self.block = 0
        self.snapshot_block = 0
        self.unsynced: set[int] = set()
        self.failing: dict[int, str] = {}

    def load(self, now: datetime) -> None:
        """Plan anew from the database, restore the last snapshot that fits, and replay the blocks behind it."""
        rules = [pack for pack in rule_packs().values() if pack.status == "stable"]
        kinds = {pack.applies_to for pack in rules} | {"rain_gauge", "river_station"}
        self.places = {str(p.id): p for p in Place.objects.filter(kind__in=kinds, valid_to=None).order_by("code")}
        facts = [facts_of_place(place) for place in self.places.values()]
        self.by_code = {place.code: place for place in facts}
        self.plan = build(rules, source_packs().values(), facts, sources_of(Series.objects.all()), now.year)
        self.feed = Feed(self.plan)
        self.parts = {pack.urn for pack in rules if pack.part}
        self.kernel = self._fresh()
        self.block = self._restore()
        blocks = Block.objects.using(readings_alias()).filter(id__gt=self.block)
        if self.block == 0:
            blocks = blocks.filter(last_ms__gte=ms(now) - 2 * HORIZON_MS)
        for number, packed, arrived in blocks.order_by("id").values_list("id", "packed", "arrived_at").iterator():
            self.judge(unpack(bytes(packed)), number, arrived)
        self.unsynced.update(case for case, found in enumerate(self.plan.cases) if found.rule not in self.parts)
        self.failing.clear()
        if self.plan.gaps:
            log.info("%s cases are not judged: no data source yet, or no limits", len(self.plan.gaps))

    def _restore(self) -> int:
        """The newest snapshot of this very plan; returns the block it was taken after, 0 = none."""
        print_ = self.kernel.fingerprint
        taken = Snapshot.objects.using(readings_alias()).filter(plan=print_).order_by("-id").first()
        if taken is None:
            return 0
        try:
            self.kernel.restore(bytes(taken.state), lambda since: self._record(since, taken.block))
        except SnapshotMismatch as why:
            log.warning("snapshot %s cannot be used (%s); replaying instead", taken.id, why)
            self.kernel = self._fresh()
            return 0
        return taken.block

    def _record(self, since: int, newest: int) -> tuple[Ints, Ints, Ints]:
        """What was judged of the blocks up to `newest`, from an event time on."""
        blocks = Block.objects.using(readings_alias()).filter(id__lte=newest, last_ms__gte=since).order_by("id")
        parts = [self._judged(unpack(bytes(packed))) for packed in blocks.values_list("packed", flat=True).iterator()]
        nothing = np.zeros(0, np.int64)
        parts = [part for part in parts if part is not None] or [(nothing, nothing, nothing)]
        series, times, values = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return series, times, values

    def _fresh(self) -> Kernel:
        return Kernel(self.plan.series, self.plan.slots, combinations=self.plan.combinations)

    def judge(self, columns: Columns, block: int, known_at: datetime) -> None:
        """Judge one stored block; what changed waits in `unsynced`."""
        self.block = block
        judged = self._judged(columns)
        if judged is None:
            return
        positions, times, values = judged
        gone = values == VOID
        if gone.any():
            self._note(self.kernel.ingest(positions[~gone], times[~gone], values[~gone], ms(known_at)))
            for position in np.unique(positions[gone]).tolist():
                taken_back = times[gone & (positions == position)].tolist()
                self._note(self.kernel.withdraw(position, taken_back, ms(known_at)))
        else:
            self._note(self.kernel.ingest(positions, times, values, ms(known_at)))
        self.bear_out(known_at)

    def _judged(self, columns: Columns) -> tuple[Ints, Ints, Ints] | None:
        """What a block has for the kernel: positions, event times, fixed point; VOID = the reading is taken back."""
        positions = self.feed.positions(columns.series)
        wanted = (positions >= 0) & np.isin(columns.quality, (*JUDGED, WITHDRAWN))
        if not wanted.any():
            return None
        positions = positions[wanted]
        told = columns.values[wanted]
        void = (columns.quality[wanted] == WITHDRAWN) | ~(np.abs(told * self.feed.scale[positions]) < MOST)
        values = np.where(void, VOID, self.feed.fixed(positions, np.where(void, 0, told)))
        return positions, columns.times[wanted].astype(np.int64), values

    def bear_out(self, known_at: datetime) -> None:
        """Readings that the screen for spikes holds, and a neighbour agrees with, are judged at once."""
        for position in self.kernel.held().tolist():
            agreement, scale = self._agreement(position)
            if agreement is None:
                continue
            since = int(self.kernel.last_times()[position]) - (span_ms(agreement.window, None) or 0)
            wanted = round(agreement.at_least * scale)
            if any(self.kernel.added(other, since) >= wanted for other in self._near(position, agreement.within_km)):
                self._note(self.kernel.release(position, ms(known_at)))

    def _agreement(self, position: int) -> tuple[Agreement | None, int]:
        pack = source_packs()[self.plan.metric_of[position]]
        return pack.agreement, pack.scale

    def _near(self, position: int, within_km: float) -> list[int]:
        """Positions of series of the same metric at places nearby."""
        here = self.by_code.get(self.plan.place_of[position])
        if here is None:
            return []
        return [
            other
            for other, (code, metric) in enumerate(zip(self.plan.place_of, self.plan.metric_of, strict=True))
            if other != position
            and metric == self.plan.metric_of[position]
            and code in self.by_code
            and distance_km(here, self.by_code[code]) <= within_km
        ]

    def tick(self, now: datetime) -> None:
        """Tell the kernel the site's time: silence has no other sign."""
        self._note(self.kernel.tick(ms(now)))
        self.kernel.fold()

    def _note(self, transitions: Transitions) -> None:
        changed = self.kernel.judge_cases(transitions).cases()
        self.unsynced.update(case for case in changed if self.plan.cases[case].rule not in self.parts)

    def snapshot(self, now: datetime) -> None:
        """Keep the kernel's state, if blocks came since the last time."""
        if self.block > self.snapshot_block:
            store_snapshot(self.kernel.snapshot(), block=self.block, plan=self.kernel.fingerprint, now=now)
            self.snapshot_block = self.block

    def sync(self, now: datetime) -> int:
        """Bring the alarm rows to what the kernel says. A case that fails stays unsynced and is tried again; the others
        are not held back by it. Raises OperationalError where the database is busy or gone: all would wait for it."""
        open_alarms = self._open_alarms() if self.unsynced else {}
        done = 0
        for case in sorted(self.unsynced):
            try:
                self._sync_case(case, open_alarms.get(self._open_key(case)), now)
            except OperationalError:
                raise
            except Exception as error:
                if self._is_news(case, error):
                    log.exception("%s could not be brought up to date; trying again", self.plan.cases[case])
                continue
            self.failing.pop(case, None)
            self.unsynced.discard(case)
            done += 1
        return done

    def _open_key(self, case: int) -> str:
        found = self.plan.cases[case]
        return f"{found.rule}|{found.place}|{self.places[found.place].mode}"

    def _is_news(self, case: int, error: Exception) -> bool:
        """Whether this case has not failed in this way before: it is tried again each second, and said once."""
        why = f"{type(error).__name__}: {error}"
        known, self.failing[case] = self.failing.get(case), why
        return known != why

    def _open_alarms(self) -> dict[str, Alarm]:
        alarms: Iterable[Alarm] = Alarm.objects.open().select_related("incident", "place")
        return {alarm.open_key: alarm for alarm in alarms if alarm.open_key}

    def _sync_case(self, case: int, alarm: Alarm | None, now: datetime) -> None:
        level, steps = self.kernel.cases.level(case), self.kernel.cases.steps(case)
        found = self.plan.cases[case]
        place = self.places[found.place]
        actor = system_actor("judgement", Mode(place.mode))
        if level == 0:
            if alarm is not None and alarm.state is State.ACTIVE:
                vanished = not any(step.level_to == 0 for step in steps)
                if vanished and steps == []:
                    commands.annotate(actor, alarm, note="迟到的数据改变了判断：当时未达指标", now=now)
                ended = moment(steps[-1].true_at) if steps else now
                commands.ease(actor, alarm, true_at=ended, now=now)
            return
        if not steps:
            return
        last = steps[-1]
        if alarm is not None and alarm.judged_level == level and alarm.state is State.ACTIVE:
            return
        if alarm is None:
            begun = self._begun(steps, level, found.rule, place)
            commands.raise_alarm(
                actor, rule=facts_of(rule_packs()[found.rule]), place=place, level=level,
                true_at=moment(begun.true_at), known_at=moment(max(last.known_at, last.true_at)),
                evidence=self.evidence(last), now=now,
            )  # fmt: skip
        else:
            commands.step_level(
                actor, alarm, level=level, true_at=moment(last.true_at), evidence=self.evidence(last), now=now
            )

    def _begun(self, steps: list[Step], level: int, rule: str, place: Place) -> Step:
        """The step that an alarm dates from: where the case left 0. Somebody may have lifted that alarm early, by hand:
        it stays lifted, unless the level has gone over what was lifted; then the alarm dates from this last step."""
        begun = next((step for step in reversed(steps) if step.level_from == 0), steps[-1])
        key = commands.alarm_key(rule, place, place.mode, moment(begun.true_at))
        lifted = Alarm.objects.filter(key=key, peak_level__lt=level).exclude(cleared_at=None).exists()
        return steps[-1] if lifted else begun

    def evidence(self, step: Step) -> dict[str, object]:
        """What decided a step: gauge, span, value and limit in the metric's unit, event time."""
        slot = self.plan.slot_facts[step.slot]
        operator = self.plan.slots[step.slot].operator
        found: dict[str, object] = {"gauge": slot.gauge, "metric": slot.metric, "unit": slot.unit, "span": slot.span,
                                    "at": moment(step.true_at).astimezone(UTC).isoformat()}  # fmt: skip
        if operator != "silence":
            found |= {"value": round(step.value / slot.scale, 3), "limit": round(slot.limit, 2)}
        return found
