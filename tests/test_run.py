"""`./run` on a machine that is not ours: what it says where something is missing, and a fresh copy that starts."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[1]
NEEDED = ("sh", "dirname", "cat", "cksum")
PYTHON = """#!/bin/sh
here=$(dirname "$0")
printf '%s\\n' "$*" >>"$HOME/log"
case "$*" in
    *sys.version_info*) [ ! -e "$HOME/old" ] ;;
    *ensurepip*) [ -e "$HOME/has-venv" ] ;;
    "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/pip ;;
    *) exit 0 ;;
esac
"""


class Machine:
    """A pretended machine: the real script and shell, with `python3`, `id` and `apt-get` that only write down."""

    def __init__(self, folder: Path, *, root: bool = False, apt: bool = True) -> None:
        self.home, self.clone, self.path = folder, folder / "clone", folder / "bin"
        (self.clone / "requirements").mkdir(parents=True)
        self.path.mkdir()
        for name in ("run", "pyproject.toml", "requirements/run.txt", "requirements/dev.txt"):
            shutil.copy(ROOT / name, self.clone / name)
        for name in (*NEEDED, "mkdir", "cp"):
            found = shutil.which(name)
            assert found is not None
            (self.path / name).symlink_to(found)
        self._script("python3", PYTHON)
        self._script("id", f"#!/bin/sh\necho {0 if root else 1000}\n")
        if apt:
            self._script("apt-get", '#!/bin/sh\nprintf "apt-get %s\\n" "$*" >>"$HOME/log"\n: >"$HOME/has-venv"\n')

    def _script(self, name: str, text: str) -> None:
        (self.path / name).write_text(text, encoding="utf-8")
        (self.path / name).chmod(0o755)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = {"PATH": str(self.path), "HOME": str(self.home)}
        return subprocess.run(
            ["./run", *arguments], cwd=self.clone, env=environment, capture_output=True, text=True, check=False
        )

    def log(self, word: str) -> list[str]:
        """What was called, as far as it holds the word."""
        return [line for line in (self.home / "log").read_text(encoding="utf-8").splitlines() if word in line]


class TestSetUp:
    def test_without_the_venv_module_an_ordinary_user_is_told_the_line_to_type(self, tmp_path: Path) -> None:
        machine = Machine(tmp_path)
        done = machine.run("--setup")
        assert done.returncode == 1
        assert "sudo apt-get install -y python3-venv" in done.stderr
        assert not machine.log("apt-get ")
        assert not (machine.clone / ".venv").exists()

    def test_where_it_may_it_installs_the_venv_module_itself(self, tmp_path: Path) -> None:
        machine = Machine(tmp_path, root=True)
        assert machine.run("--setup").returncode == 0
        assert machine.log("apt-get install") == ["apt-get install -y -qq python3-venv"]
        assert (machine.clone / ".venv" / "bin" / "python").exists()

    def test_root_without_apt_is_told_as_well(self, tmp_path: Path) -> None:
        done = Machine(tmp_path, root=True, apt=False).run("--setup")
        assert (done.returncode, "python3-venv" in done.stderr) == (1, True)

    def test_an_old_python_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "old").touch()
        done = Machine(tmp_path).run("--setup")
        assert done.returncode == 1
        assert "Python 3.11" in done.stderr

    def test_nothing_is_installed_twice_until_the_locks_change(self, tmp_path: Path) -> None:
        (tmp_path / "has-venv").touch()
        machine = Machine(tmp_path)
        for _ in range(2):
            assert machine.run("--setup").returncode == 0
            assert [("--require-hashes" in line) for line in machine.log("pip install")] == [True, False]
        with (machine.clone / "requirements" / "run.txt").open("a", encoding="utf-8") as file:
            file.write("# another lock\n")
        machine.run("--setup")
        assert len(machine.log("pip install")) == 4

    def test_a_set_up_that_was_cut_off_is_done_again(self, tmp_path: Path) -> None:
        (tmp_path / "has-venv").touch()
        machine = Machine(tmp_path)
        (machine.clone / ".venv" / "bin").mkdir(parents=True)
        shutil.copy(machine.path / "python3", machine.clone / ".venv" / "bin" / "python")
        assert machine.run("--setup").returncode == 0
        assert (machine.clone / ".venv" / "bin" / "pip").exists()


def _ordinary() -> list[str]:
    """How to run something as an ordinary user; skips where root has no way to."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root, and no setpriv to become an ordinary user with")
    user = pwd.getpwnam("nobody")
    return [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


@pytest.fixture(scope="module")
def copy() -> Iterator[Path]:
    """A fresh copy of the program in a folder that belongs to an ordinary user."""
    folder = Path(tempfile.mkdtemp(prefix="anlan-run-"))
    shutil.copytree(ROOT, folder / "anlan", ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build"))
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, "nobody", pwd.getpwnam("nobody").pw_gid)
    yield folder / "anlan"
    shutil.rmtree(folder, ignore_errors=True)


def _environment(clone: Path, port: int) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANLAN_", "DJANGO_", "PYTHON"))}
    return kept | {
        "HOME": str(clone.parent),
        "LANG": "C.UTF-8",
        "ANLAN_PORT": str(port),
        "ANLAN_SL651_PORT": "0",
        "ANLAN_INGEST_PORT": "0",
    }


def _addresses(family: list[psutil.Process]) -> set[str]:
    return {c.laddr.ip for one in family for c in one.net_connections("tcp") if c.status == psutil.CONN_LISTEN}


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_fresh_copy_sets_up_starts_and_stops_as_an_ordinary_user(copy: Path) -> None:
    """A taken port, the first line, loopback only, a second start, and nothing left behind after Ctrl-C."""
    who = _ordinary()
    laid = subprocess.run(
        [*who, "./run", "--setup"], cwd=copy, env=_environment(copy, 0), capture_output=True, text=True, check=False
    )
    if who and "安澜要 Python" in laid.stderr:
        pytest.skip("no Python on this machine that an ordinary user may run")
    assert laid.returncode == 0, laid.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for _start in ("first", "second"):  # how long they take is a figure of `make bench`
            _start_and_stop([*who, "./run"], copy, port)


def _start_and_stop(command: list[str], copy: Path, taken: int) -> None:
    """Start, look, press Ctrl-C."""
    with subprocess.Popen(
        command, cwd=copy, env=_environment(copy, taken), stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        try:
            assert first.startswith("安澜 http://127.0.0.1:")
            url = first.split()[1]
            assert int(url.rsplit(":", 1)[1]) != taken
            with urllib.request.urlopen(f"{url}/login", timeout=10) as answer:
                assert "演示账号" in answer.read().decode()
            assert _addresses(family) == {"127.0.0.1"}
            again = subprocess.run(
                command, cwd=copy, env=_environment(copy, 0), capture_output=True, text=True, timeout=30, check=False
            )
            assert (again.returncode, again.stdout, "已经在这个数据目录上运行" in again.stderr) == (1, "", True)
        finally:
            os.killpg(process.pid, signal.SIGINT)  # what a terminal sends to everybody in front of it
        process.stdout.read()
        assert process.wait(20) == 0
    assert not psutil.wait_procs(family, timeout=5)[1]
