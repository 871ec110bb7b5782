"""The worker process: seals the journal, delivers its news, climbs ladders, dials. All its state is in rows.

Each duty is a loop in a thread of its own, so that a channel that hangs never delays sealing. A loop that raises says
so and goes on after a pause; a killed worker loses nothing, for every duty begins again from the rows.
"""

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import close_old_connections

from anlan.base.journal.due import claim
from anlan.base.journal.sealing import seal_batch
from anlan.base.journal.subscriptions import deliver_all
from anlan.base.tasks import commands as tasks
from anlan.base.tasks.models import Task
from anlan.kernel.actor import system_actor
from anlan.kernel.clock import Clock
from anlan.kernel.modes import Mode
from anlan.loop.sensing.folding import Retention, keep
from anlan.ui.context import site_clock

from .dialer import run_dialer

log = logging.getLogger("anlan.worker")
SEAL_S = 0.05
"""Between two looks for lines to seal: another process wrote them, nothing tells this one."""
OWNER = f"{socket.gethostname()[:40]}:{os.getpid()}"


@dataclass(frozen=True)
class Duty:
    """One loop: `turn` does what there is to do and returns how much; idle = pause in seconds when there was none.

    bell: ends that pause early; rings: bells of the loops that have something to do when this one had.
    """

    name: str
    turn: Callable[[], int]
    idle: float
    bell: threading.Event = field(default_factory=threading.Event)
    rings: tuple[threading.Event, ...] = ()


def repeat(duty: Duty, stop: threading.Event) -> None:
    """Run a duty until told to stop."""
    while not stop.is_set():
        try:
            close_old_connections()
            done = duty.turn()
            for bell in duty.rings if done else ():
                bell.set()
            if done == 0:
                duty.bell.wait(duty.idle)
                duty.bell.clear()
        except Exception:
            log.exception("%s failed; going on in 1 s", duty.name)
            stop.wait(1.0)


def climb_tasks(clock: Clock) -> int:
    """Take the task ladder steps that are due."""
    now = clock.now()
    held = claim(Task.objects.filter(due_at__isnull=False), owner=OWNER, now=now, lease_s=20, limit=50)
    for task in held:
        tasks.climb(system_actor("tasks", Mode(task.mode)), task, now=now)
    return len(held)


def duties(clock: Clock, dial: threading.Event) -> list[Duty]:
    """dial: rung when news was delivered, for it may be that somebody is to be called."""
    conf = settings.CONFIG
    retention = Retention(timedelta(days=conf.readings_keep_block_days), conf.readings_keep_raw_years)
    news = Duty("news", deliver_all, 0.1, rings=(dial,))
    return [
        Duty("seal", seal_batch, SEAL_S, rings=(news.bell,)),
        news,
        Duty("tasks", lambda: climb_tasks(clock), 0.25),
        Duty("readings", lambda: keep(clock.now(), retention), 60.0 * conf.readings_fold_minutes),
    ]


def run_worker() -> None:
    """Run all duties until SIGTERM or SIGINT."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    clock, dial = site_clock(), threading.Event()
    work = duties(clock, dial)
    threads = [threading.Thread(target=repeat, args=(duty, stop), name=duty.name, daemon=True) for duty in work]
    threads.append(threading.Thread(target=run_dialer, args=(stop, clock, dial), name="dialer", daemon=True))
    for thread in threads:
        thread.start()
    log.info("worker %s: %s duties", OWNER, len(threads))
    while not stop.wait(0.5):
        for thread in threads:
            if not thread.is_alive():
                log.error("duty %s has died; stopping so that the supervisor starts anew", thread.name)
                stop.set()
    for bell in (dial, *(duty.bell for duty in work)):
        bell.set()  # nobody sleeps through the end
    for thread in threads:
        thread.join(timeout=3)
