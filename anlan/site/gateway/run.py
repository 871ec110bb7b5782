"""Start and stop of the gateway process."""

import asyncio
import logging
import signal

from django.conf import settings

from anlan.kernel.judging.warm import warm
from anlan.links.protocols import PROTOCOLS

from .broker import Broker
from .feed import Chore, Feed
from .holders import Holders
from .http import HttpDoor, Ingest
from .manual import Clerk
from .polling import Polling
from .stations import Door

log = logging.getLogger("anlan.gateway")


async def _run() -> None:
    conf = settings.CONFIG
    loop = asyncio.get_running_loop()
    feed = Feed()
    await feed.start()
    door = Door(PROTOCOLS["sl651"], feed, conf)
    port = await door.open(conf.sl651_host, conf.sl651_port)
    holders = Holders(
        feed.pipeline, requests_per_s=conf.ingest_requests_per_s, readings_per_s=conf.ingest_readings_per_s
    )
    feed.chores.append(Chore("tokens", 1.0, holders.reload))
    feed.chores.append(Chore("manual", 1.0, Clerk(feed.pipeline).work))
    http = HttpDoor(Ingest(feed, holders, conf), conf)
    await http.open(conf.ingest_host, conf.ingest_port)
    broker = Broker(feed, conf) if conf.mqtt_url else None
    if broker is not None:
        broker.open()
    polling = Polling(feed, conf.contact_s)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    (conf.data / "gateway_ready").write_text(str(port), encoding="ascii")
    log.info("gateway: sl651 on %s:%s, http on %s:%s", conf.sl651_host, port, conf.ingest_host, conf.ingest_port)
    await feed.run(stop)
    if broker is not None:
        broker.close()
    await polling.close()
    await http.close()
    await door.close()
    await feed.close()


def run_gateway() -> None:
    """Serve until SIGTERM. The kernel is compiled before any port is open."""
    warm()
    asyncio.run(_run())
