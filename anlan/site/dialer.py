"""The dialler: expands campaigns, takes due steps, rings people up. Commits before it dials; repeats under one key."""

import logging
import os
import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from django.conf import settings
from django.db import close_old_connections

from anlan.base.journal.due import claim
from anlan.kernel.actor import Actor, system_actor
from anlan.kernel.channels import Accepted, Channel, ChannelError
from anlan.kernel.clock import Clock
from anlan.kernel.modes import Mode
from anlan.links.channels import open_channel
from anlan.loop.calls import ports
from anlan.loop.calls.commands import expand
from anlan.loop.calls.dialling import advance, placed, record_receipts, refused
from anlan.loop.calls.models import Attempt, Call, PollCursor, Want
from anlan.loop.calls.rules import Line

log = logging.getLogger("anlan.dialer")
OWNER = f"dial:{socket.gethostname()[:30]}:{os.getpid()}"
LEASE_S = 15.0
BATCH = 40


def wire() -> Channel | None:
    """Open the configured voice channel for this process; None where none is configured."""
    if (known := ports.channel("voice")) is not None:
        return known
    conf = settings.CONFIG
    if not (conf.voice_url and conf.voice_secret):
        return None
    channel = open_channel("voice", conf.voice_url, conf.voice_secret)
    ports.use(channel)
    return channel


def _me(mode: str) -> Actor:
    return system_actor("dialer", Mode(mode))


def turn(channel: Channel | None, clock: Clock, pool: ThreadPoolExecutor, callback: str) -> int:
    """One round: everything that is due now. Returns how much there was."""
    now = clock.now()
    wants = claim(
        Want.objects.select_related("campaign", "alarm__place"), owner=OWNER, now=now, lease_s=LEASE_S, limit=20
    )
    for want in wants:
        expand(_me(want.campaign.mode), want, now=now)
    calls = claim(Call.objects.open(), owner=OWNER, now=now, lease_s=LEASE_S, limit=BATCH)
    ringing: list[tuple[Attempt, Future[Accepted]]] = []
    for call in calls:
        planned = advance(_me(call.mode), call, callback=callback, now=clock.now())
        if planned is not None and channel is not None:
            ringing.append((planned[0], pool.submit(channel.dial, planned[1])))
        elif planned is not None:
            refused(_me(call.mode), planned[0], code="no_channel", retryable=True, wait_s=5, now=now)
    for attempt, future in ringing:
        actor = _me(attempt.call.mode)
        try:
            accepted = future.result()
        except ChannelError as error:
            log.warning("dial refused: %s", error.code)
            refused(
                actor, attempt, code=error.code, retryable=error.retryable, wait_s=error.retry_after_s, now=clock.now()
            )
        else:
            placed(actor, attempt, provider=accepted.call, now=clock.now())
    return len(wants) + len(calls)


def poll(channel: Channel, clock: Clock) -> int:
    """Fetch receipts that no webhook brought. Stored first, the cursor after."""
    if not Attempt.objects.exclude(line__in=[Line.OVER.value, Line.PLANNED.value]).exists():
        return 0
    cursor, _ = PollCursor.objects.get_or_create(channel="voice")
    page = channel.receipts(cursor.cursor)
    if page.next != cursor.cursor:
        record_receipts(system_actor("voice", settings.CONFIG.mode), page.receipts, now=clock.now())
        PollCursor.objects.filter(pk=cursor.pk).update(cursor=page.next)
    return len(page.receipts)


def poll_or_tell(channel: Channel, clock: Clock, known: str) -> str:
    """Poll; a channel that does not answer is told once, not at each try. Returns its error's code, "" = it answers."""
    try:
        poll(channel, clock)
    except ChannelError as error:
        if error.code != known:
            log.warning("receipts cannot be fetched, trying again: %s", error)
        return error.code
    if known:
        log.warning("receipts come again")
    return ""


def run_dialer(stop: threading.Event, clock: Clock, bell: threading.Event) -> None:
    """Until told to stop; `bell` ends the pause between two rounds early.

    A round that fails is logged, and the next one begins again from the rows.
    """
    channel = wire()
    base = settings.CONFIG.public_url.rstrip("/")
    callback = f"{base}/hooks/voice" if base else ""
    polled, trouble = 0, ""
    with ThreadPoolExecutor(8, "dial") as pool:
        while not stop.is_set():
            try:
                close_old_connections()
                busy = turn(channel, clock, pool, callback)
                polled += 1
                if channel is not None and polled % 8 == 0:
                    trouble = poll_or_tell(channel, clock, trouble)
                if not busy:
                    bell.wait(0.12)
                    bell.clear()
            except Exception:
                log.exception("round failed; going on in 1 s")
                stop.wait(1.0)
