"""`python -m tools.phones --port 8090 --data DIR --secret S [--clock FILE] [--seed N]`: run the telephone company.

Prints `电话公司 http://…` when it is ready. Loopback only unless --host says otherwise.
"""

import argparse
import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from anlan.kernel.clock import SystemClock, open_clock
from tools.phones.app import make_app
from tools.phones.company import Company
from tools.phones.store import Store


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="phones", description="A telephone company for demos and tests")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090, help="0 = any free port")
    parser.add_argument("--data", type=Path, required=True, help="folder that remembers calls across restarts")
    parser.add_argument("--secret", default=os.environ.get("PHONES_SECRET", ""), help="or PHONES_SECRET")
    parser.add_argument("--clock", type=Path, default=None, help="the site's clock.json; without it: real time")
    parser.add_argument("--seed", type=int, default=1, help="which villagers sleep")
    options = parser.parse_args(argv)
    if not options.secret:
        parser.error("--secret (or PHONES_SECRET) is required")
    return options


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


async def serve(options: argparse.Namespace) -> None:
    """Until SIGTERM or SIGINT."""
    options.data.mkdir(parents=True, exist_ok=True)
    store = Store(options.data / "phones.sqlite3")
    clock = open_clock(options.clock) if options.clock else SystemClock()
    app = make_app(Company(store, options.seed), clock, options.secret)
    port = options.port or _free_port(options.host)
    server = Server(
        app, address=options.host, port=port, interface=Interfaces.ASGI, log_level=LogLevels.error, websockets=False
    )
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, server.stop)
    serving = asyncio.create_task(server.serve())
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection(options.host, port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        print(f"电话公司 http://{options.host}:{port}", flush=True)
        break
    await serving
    store.close()


def main() -> int:
    asyncio.run(serve(arguments(sys.argv[1:])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
