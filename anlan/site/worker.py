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
from dataclasses import dataclass
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
OWNER = f"{socket.gethostname()[:40]}:{os.getpid()}"


@dataclass(frozen=True)
class Duty:
    """One loop: `turn` does what there is to do and returns how much; idle = pause in seconds when there was none."""

    name: str
    turn: Callable[[], int]
    idle: float


def repeat(duty: Duty, stop: threading.Event) -> None:
    """Run a duty until told to stop."""
    while not stop.is_set():
        try:
            close_old_connections()
            if duty.turn() == 0:
                stop.wait(duty.idle)
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


def duties(clock: Clock) -> list[Duty]:
    conf = settings.CONFIG
    retention = Retention(timedelta(days=conf.readings_keep_block_days), conf.readings_keep_raw_years)
    return [
        Duty("seal", seal_batch, 0.1),
        Duty("news", deliver_all, 0.1),
        Duty("tasks", lambda: climb_tasks(clock), 0.25),
        Duty("readings", lambda: keep(clock.now(), retention), 60.0 * conf.readings_fold_minutes),
    ]


def run_worker() -> None:
    """Run all duties until SIGTERM or SIGINT."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    clock = site_clock()
    threads = [
        threading.Thread(target=repeat, args=(duty, stop), name=duty.name, daemon=True) for duty in duties(clock)
    ]
    threads.append(threading.Thread(target=run_dialer, args=(stop, clock), name="dialer", daemon=True))
    for thread in threads:
        thread.start()
    log.info("worker %s: %s duties", OWNER, len(threads))
    while not stop.wait(0.5):
        for thread in threads:
            if not thread.is_alive():
                log.error("duty %s has died; stopping so that the supervisor starts anew", thread.name)
                stop.set()
    for thread in threads:
        thread.join(timeout=3)
