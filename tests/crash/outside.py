"""A running site looked at, spoken to and killed from outside: its files, its command line, its processes."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path


def ask(folder: Path, sql: str, file: str = "record") -> list[tuple[object, ...]]:
    """Rows of the site's own database, read from outside."""
    with closing(sqlite3.connect(folder / f"{file}.sqlite3", timeout=10)) as connection:
        return connection.execute(sql).fetchall()


def in_site(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command of the program itself on the site's folder."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("ANLAN_", "DJANGO_"))}
    environment = clean | {"ANLAN_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "anlan.site.settings"}
    return subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, timeout=60)


def kill(folder: Path, word: str) -> int:
    """kill -9 the process of this site whose command line holds `word`; returns how many."""
    killed = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().decode()
            environment = (entry / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if f"ANLAN_DATA={folder}\0" in environment and word in line.replace("\0", " "):
            os.kill(int(entry.name), signal.SIGKILL)
            killed += 1
    return killed
