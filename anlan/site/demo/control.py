"""What a demo site is called and how it is steered: folders, requests, accounts. Needs no tables.

The supervisor reads this before any database is there, so never import a slice here.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from anlan.kernel.clock import BEIJING

DEMO_START = datetime(2026, 7, 20, 22, 0, tzinfo=BEIJING).timestamp()
COUNTY = "140427"
PASSWORD = "anlan-demo"  # noqa: S105  printed at start, loopback only, synthetic people


@dataclass(frozen=True)
class Login:
    """One demo account."""

    username: str
    title: str
    role: str
    area_code: str
    post: str = ""


LOGINS = (
    Login("zhiban", "壶关县值班员", "duty_officer", COUNTY, "duty:140427"),
    Login("zhihui", "壶关县指挥长", "headquarters_leader", COUNTY, "leader:140427"),
    Login("shipo", "石坡乡值班员", "town_officer", "140427203", "town:140427203"),
    Login("dianshang", "店上镇值班员", "town_officer", "140427102", "town:140427102"),
    Login("cunzhang", "石坡乡安口村责任人", "village_head", "140427203204", "village:140427203204"),
    Login("guanli", "系统管理员", "system_administrator", ""),
    Login("shenji", "审计管理员", "audit_administrator", ""),
)


def current_folder(root: Path) -> Path | None:
    """The folder of the demo site that was started last under `root`; None = none yet, or `root` is one itself."""
    pointer = root / "demo_site"
    return next_folder(root, fresh=False) if pointer.exists() else None


def next_folder(root: Path, *, fresh: bool) -> Path:
    """The folder of the current demo site under `root`. fresh: make the next one current and drop the one before."""
    pointer = root / "demo_site"
    current = int(pointer.read_text(encoding="ascii")) if pointer.exists() else 0
    if fresh or current == 0:
        root.mkdir(parents=True, exist_ok=True)
        pointer.write_text(str(current + 1), encoding="ascii")
        if current:
            shutil.rmtree(root / f"demo-{current:03d}", ignore_errors=True)
        current += 1
    return root / f"demo-{current:03d}"


def demo_lines(environment: Mapping[str, str]) -> list[str]:
    """What is printed under the address when a demo is ready."""
    rows = [f"  {login.username:<10} {login.title}" for login in LOGINS]
    return [f"演示账号（密码都是 {PASSWORD}）：", *rows, f"电话公司 {environment['ANLAN_VOICE_URL']}", "按 Ctrl-C 停止"]


def request_storm(folder: Path) -> None:
    """Ask the simulator of the site in `folder` to begin a storm."""
    (folder / "storm_requested").touch()


def request_reset(folder: Path) -> None:
    """Ask the supervisor for a fresh site."""
    (folder / "reset_requested").touch()


def storm_state(folder: Path) -> dict[str, object] | None:
    """What the simulator says of the storm: started_at, ends_at (site Unix seconds), phase; None = no storm yet."""
    path = folder / "storm.json"
    if not path.exists():
        return None
    state: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return state
