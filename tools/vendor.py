"""Brings the browser libraries that the pages use into `anlan/ui/static/ui/vendor/`, checked byte by byte.

Run `python -m tools.vendor` to fetch again, `--check` to compare what is there. Never: an address of a registry in
this file (the npm client knows its own), or a version without its hash.
"""

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "anlan" / "ui" / "static" / "ui" / "vendor"

# package@version, file inside the package, name here, sha256 of the file, licence of the package.
FILES: list[tuple[str, str, str, str, str]] = [
    (
        "htmx.org@2.0.6",
        "dist/htmx.min.js",
        "htmx.min.js",
        "b6768eed4f3af85b73a75054701bd60e17cac718aef2b7f6b254e5e0e2045616",
        "0BSD",
    ),
    (
        "leaflet@1.9.4",
        "dist/leaflet.js",
        "leaflet.js",
        "db49d009c841f5ca34a888c96511ae936fd9f5533e90d8b2c4d57596f4e5641a",
        "BSD-2-Clause",
    ),
    (
        "leaflet@1.9.4",
        "dist/leaflet.css",
        "leaflet.css",
        "a7837102824184820dfa198d1ebcd109ff6d0ff9a2672a074b9a1b4d147d04c6",
        "BSD-2-Clause",
    ),
    (
        "echarts@5.6.0",
        "dist/echarts.common.min.js",
        "echarts.common.min.js",
        "55974cf42cc160e6cf9099cd3ed8cdedfaa9779919fcee7e2272c85f6ca30e27",
        "Apache-2.0",
    ),
]


def digest(path: Path) -> str:
    """The sha256 of a file, "" where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def check() -> list[str]:
    """What differs from the table above: one line per file, empty when all is well."""
    return [
        f"{name}: {digest(TARGET / name) or 'missing'} != {sha}"
        for _, _, name, sha, _ in FILES
        if digest(TARGET / name) != sha
    ]


def fetch() -> None:
    """Pack every package once and unpack the files named above. Raises SystemExit when a hash differs."""
    with tempfile.TemporaryDirectory() as folder:
        for package in dict.fromkeys(row[0] for row in FILES):
            packed = subprocess.run(
                ["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True
            )
            with tarfile.open(Path(folder) / packed.stdout.strip().splitlines()[-1]) as archive:
                for _, inside, name, sha, _ in (row for row in FILES if row[0] == package):
                    member = archive.extractfile(f"package/{inside}")
                    if member is None:
                        raise SystemExit(f"{package}: no {inside}")
                    data = member.read()
                    if hashlib.sha256(data).hexdigest() != sha:
                        raise SystemExit(f"{package}: {inside} is not the file that was reviewed")
                    (TARGET / name).parent.mkdir(parents=True, exist_ok=True)
                    (TARGET / name).write_bytes(data)


def main(argv: list[str] | None = None) -> int:
    """0 when every file is as recorded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only, fetch nothing")
    if not parser.parse_args(argv).check:
        fetch()
    problems = check()
    print("\n".join(problems) or f"{len(FILES)} files as recorded")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
