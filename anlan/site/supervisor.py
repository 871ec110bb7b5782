"""`anlan up`: starts web, gateway and worker (and, in a demo, the telephone company and the simulator), keeps them up.

Ctrl-C stops everything. A process that dies is started again, with a pause that grows while it keeps dying.
"""

import ctypes
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from anlan.kernel.clock import SiteClock

from .config import Config
from .demo.control import DEMO_START, demo_lines, next_folder

PR_SET_PDEATHSIG = 1
STOP_S = 6.0
RESET_GRACE_S = 1.5
"""Between the wish for a fresh demo and the end of the old one: the page that says so is to arrive whole."""
ME = [sys.executable, "-m", "anlan.site.cli"]


@dataclass
class Child:
    """One process: how to start it, and how it has fared."""

    name: str
    argv: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    again_at: float = 0.0


@dataclass
class Site:
    """One running site: its folder, ports and processes."""

    folder: Path
    environment: dict[str, str]
    children: list[Child] = field(default_factory=list)


def free_port(host: str, wanted: int) -> int:
    """The wanted port, else the next free one of the twenty that follow, else any."""
    for port in [*range(wanted, min(wanted + 20, 65_536)), 0] if wanted else [0]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port on {host} near {wanted}")


def _die_with_parent() -> None:
    """A supervisor that is killed takes its children with it (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def prepare(conf: Config, root: Path) -> Site:
    """Choose folder and ports, and say what is to run. Raises ConfigError for a database that cannot be described."""
    conf.database()
    folder = next_folder(root, fresh=False) if conf.demo else root
    folder.mkdir(parents=True, exist_ok=True)
    web = free_port(conf.host, conf.port)
    gateway = free_port(conf.sl651_host, conf.sl651_port)
    ingest = free_port(conf.ingest_host, conf.ingest_port)
    environment = {
        **os.environ,
        "ANLAN_DATA": str(folder),
        "ANLAN_PORT": str(web),
        "ANLAN_SL651_PORT": str(gateway),
        "ANLAN_INGEST_PORT": str(ingest),
        "ANLAN_DEMO": "true" if conf.demo else "false",
    }
    environment.setdefault("ANLAN_PUBLIC_URL", f"http://127.0.0.1:{web}")
    site = Site(folder, environment)
    if conf.demo:
        _resume_clock(folder)
        phones = free_port("127.0.0.1", 8700)
        environment.setdefault("ANLAN_VOICE_URL", f"http://127.0.0.1:{phones}")
        environment.setdefault("ANLAN_VOICE_SECRET", _shared_secret(folder))
        environment["PHONES_SECRET"] = environment["ANLAN_VOICE_SECRET"]  # never on a command line, which all can read
        site.children.append(
            Child(
                "phones",
                [
                    sys.executable,
                    "-m",
                    "tools.phones",
                    "--port",
                    str(phones),
                    "--data",
                    str(folder / "phones"),
                    "--clock",
                    str(folder / "clock.json"),
                    "--seed",
                    "7",
                ],
            )
        )
        site.children.append(Child("simulator", [*ME, "simulate"]))
    site.children += [
        Child("web", web_command(conf.host, web)),
        Child("gateway", [*ME, "gateway"]),
        Child("worker", [*ME, "worker"]),
    ]
    (folder / "ports.json").write_text(json.dumps({"web": web, "sl651": gateway, "ingest": ingest}), encoding="utf-8")
    return site


def web_command(host: str, port: int) -> list[str]:
    """How pages, API and stream are served. `--workers-kill-timeout`: open streams must not hold up the stop."""
    return [
        sys.executable,
        "-m",
        "granian",
        "anlan.site.asgi:application",
        "--interface",
        "asginl",
        "--host",
        host,
        "--port",
        str(port),
        "--workers",
        "1",
        "--workers-kill-timeout",
        "3",
        "--log-level",
        "warning",
        "--no-ws",
        "--backlog",
        "1024",
    ]


def _shared_secret(folder: Path) -> str:
    path = folder / "voice_secret"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(os.urandom(24).hex(), encoding="ascii")
    return path.read_text(encoding="ascii")


def _resume_clock(folder: Path) -> None:
    """A demo's time stands still while the program is off: no gauge is called silent for that."""
    clock = SiteClock(folder / "clock.json")
    seen = folder / "clock_seen"
    clock.start(float(seen.read_text(encoding="ascii")) if seen.exists() else DEMO_START, 1.0)


class Supervisor:
    """Keeps one site running until told to stop."""

    def __init__(self, conf: Config, root: Path) -> None:
        self.conf, self.root = conf, root
        self.stop = threading.Event()
        self.site: Site | None = None

    def run(self) -> int:
        """Run until SIGINT or SIGTERM. Returns the exit code."""
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: self.stop.set())
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "running").open("w", encoding="ascii") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)  # goes with this process, however it ends
            except OSError:
                print(f"安澜已经在这个数据目录上运行：{self.root}", file=sys.stderr)
                return 1
            return self._run()

    def _run(self) -> int:
        fresh = True
        while fresh and not self.stop.is_set():
            self.site = prepare(self.conf, self.root)
            if not self._lay_tables():
                return 0 if self.stop.is_set() else 1
            for child in self.site.children:
                self._start(child)
            self._announce()
            fresh = self._watch()
            self._stop_all()
            if fresh:
                next_folder(self.root, fresh=True)
        return 0

    def _lay_tables(self) -> bool:
        """Lay or upgrade the tables and fill a new demo. False: told to stop meanwhile, or it failed and said why."""
        assert self.site is not None
        work = Child("prepare", [*ME, "prepare"])
        self._start(work)
        assert work.process is not None
        while work.process.poll() is None:
            if self.stop.wait(0.02):
                work.process.terminate()
                work.process.wait()
        return work.process.returncode == 0

    def _start(self, child: Child) -> None:
        assert self.site is not None
        child.started = time.monotonic()
        child.process = subprocess.Popen(  # noqa: S603  our own programs
            child.argv,
            env=self.site.environment,
            preexec_fn=_die_with_parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # the site's own first line is the address; logs go to standard error
            start_new_session=True,
        )

    def _announce(self) -> None:
        assert self.site is not None
        url = f"http://{self.conf.host}:{self.site.environment['ANLAN_PORT']}"
        deadline = time.monotonic() + 60
        while not self.stop.is_set() and time.monotonic() < deadline:
            if _answers(f"{url}/healthz") and (self.site.folder / "gateway_ready").exists():
                print(f"安澜 {url}", flush=True)
                if self.conf.demo:
                    print("\n".join(demo_lines(self.site.environment)), flush=True)
                return
            self._revive()
            self.stop.wait(0.05)
        if not self.stop.is_set():
            print(f"安澜没有在 60 秒内就绪：{url}", file=sys.stderr, flush=True)

    def _watch(self) -> bool:
        """Look after the children. True: a fresh demo site was asked for."""
        assert self.site is not None
        request = self.site.folder / "reset_requested"
        clock = SiteClock(self.site.folder / "clock.json") if self.conf.demo else None
        while not self.stop.wait(0.25):
            self._revive()
            if clock is not None:
                (self.site.folder / "clock_seen").write_text(str(clock.now().timestamp()), encoding="ascii")
                if request.exists() and time.time() - request.stat().st_mtime > RESET_GRACE_S:
                    return True
        return False

    def _revive(self) -> None:
        assert self.site is not None
        for child in self.site.children:
            if child.process is None or child.process.poll() is None:
                continue
            now = time.monotonic()
            if child.again_at == 0.0:
                steady = now - child.started > 30
                child.failures = 0 if steady else child.failures + 1
                child.again_at = now + min(0.2 * 2**child.failures, 15)
                print(f"{child.name} 停了（{child.process.returncode}），重新启动", file=sys.stderr, flush=True)
            elif now >= child.again_at:
                child.again_at = 0.0
                self._start(child)

    def _stop_all(self) -> None:
        assert self.site is not None
        running = [child.process for child in self.site.children if child.process and child.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_S
        for process in running:
            try:
                process.wait(max(0.05, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        (self.site.folder / "gateway_ready").unlink(missing_ok=True)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310  http to ourselves
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
