"""Migrations hold only what SQLite, PostgreSQL and their relatives share (docs/architecture.md, Portable SQL)."""

import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent.parent
FORBIDDEN = ("RunSQL", "django.contrib.postgres", "condition=", "expressions=", "include=", "opclasses=")


def faults() -> list[str]:
    """One line a fault: file, and the word that is not portable."""
    found = []
    for path in sorted(HOUSE.rglob("migrations/0*.py")):
        text = path.read_text(encoding="utf-8")
        found += [f"{path.relative_to(HOUSE.parent)}: {word}" for word in FORBIDDEN if word in text]
    return found


def main() -> int:
    problems = faults()
    for problem in problems:
        sys.stdout.write(f"✗ {problem}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
