"""C7: kill -9 of the folding, again and again at any moment: what is read stays what was stored, and it ends folded."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.crash.outside import in_site

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

FILL = """
import django
django.setup()
import random
from datetime import UTC, datetime, timedelta
from anlan.loop.sensing.blocks import GOOD, columns_of
from anlan.loop.sensing.commands import store_block
chooser, base = random.Random(4), 1_780_000_000_000
for n in range(150):
    rows = [(chooser.randrange(1, 60), base + 1000 * chooser.randrange(9 * 86_400), chooser.random(), GOOD)
            for _ in range(60)]
    store_block(columns_of(rows), source="test", now=datetime.fromtimestamp(base / 1000, UTC))
"""
READ = """
import django
django.setup()
import hashlib, json
from anlan.loop.sensing.folding import kept
from anlan.loop.sensing.models import Unrolled
from anlan.loop.sensing.reader import stored_readings
from anlan.loop.sensing.router import readings_alias
held = stored_readings(range(1, 60), 0, 2**45)
print(json.dumps({"rows": len(held), "sum": hashlib.sha256(held.times.tobytes() + held.values.tobytes()).hexdigest(),
                  "folded": kept().readings, "unfolded": kept().unfolded, "blocks": kept().blocks,
                  "unrolled": Unrolled.objects.using(readings_alias()).count()}))
"""
FOLD = """
import django
django.setup()
from datetime import UTC, datetime, timedelta
from anlan.loop.sensing import folding
folding.SLICE, folding.BATCH_BLOCKS, folding.DROP = 3, 20, 5
now = datetime(2026, 12, 1, tzinfo=UTC)
print("on", flush=True)
while folding.fold(now, blocks=20) or folding.roll_up(now, days=3) or folding.drop_blocks(now, timedelta(days=3)):
    pass
print("done", flush=True)
"""


def _read(folder: Path) -> dict[str, object]:
    answer = in_site(folder, "-c", READ)
    assert answer.returncode == 0, answer.stderr
    found: dict[str, object] = json.loads(answer.stdout)
    return found


def _begin(folder: Path) -> subprocess.Popen[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("ANLAN_", "DJANGO_"))}
    environment = clean | {"ANLAN_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "anlan.site.settings"}
    begun = subprocess.Popen([sys.executable, "-c", FOLD], env=environment, stdout=subprocess.PIPE, text=True)
    assert begun.stdout is not None
    assert begun.stdout.readline() == "on\n"
    return begun


def test_folding_survives_kill_9(tmp_path: Path) -> None:
    assert in_site(tmp_path, "-m", "anlan.site.cli", "migrate").returncode == 0
    filled = in_site(tmp_path, "-c", FILL)
    assert filled.returncode == 0, filled.stderr
    stored = _read(tmp_path)
    chooser, killed = random.Random(5), 0
    for _ in range(8):
        process = _begin(tmp_path)
        time.sleep(chooser.uniform(0.02, 0.6))  # the moment is the point: any one will do
        killed += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        after = _read(tmp_path)
        assert (after["rows"], after["sum"]) == (stored["rows"], stored["sum"])
    assert killed > 0, "the folding was done before the first kill"
    process = _begin(tmp_path)
    assert process.communicate(timeout=120)[0] == "done\n"
    end = _read(tmp_path)
    assert (end["rows"], end["sum"], end["folded"]) == (stored["rows"], stored["sum"], stored["rows"])
    assert (end["unfolded"], end["blocks"], end["unrolled"]) == (0, 0, 0)
