"""docs/operators.md, made from what the operators say of themselves; `--write` brings it up to date.

Never: a meaning that stands in the page alone.
"""

import inspect
import sys
from pathlib import Path
from typing import Any

from anlan.kernel.judging.cases import Combination, Group
from anlan.kernel.judging.limits import limits_of
from anlan.kernel.judging.neighbours import related
from anlan.kernel.judging.operators import OPERATORS, quiet_band, threshold
from anlan.kernel.judging.packs import Agreement, RulePack, SourceMetric

PAGE = Path(__file__).resolve().parents[3] / "docs" / "operators.md"
HEAD = """\
# Operators of the judgement kernel

Made from the docstrings of `anlan/kernel/judging` by `python -m anlan.site.checks.operators --write`; a test holds this
page to them. The screen's word for each stands in brackets.

Judged is what readings in order of event time, the limits in force at that time, and the clock (for silence) say;
readings that come late by up to 26 hours, repeats and withdrawn ones judge their series again. Values are integers in
the metric's fixed point, times are milliseconds. Each operator is written three times and a property test holds the
three to each other: compiled (`core.py`), a whole series at a time with numpy (`twins.py`), and plainly (`oracle.py`).
"""


def page() -> str:
    """The page as it should be."""
    parts = [HEAD]
    for name, operator in OPERATORS.items():
        parts.append(f"## {name} ({operator.title})\n\n{operator.meaning}\n")
        lengths = [f"- `spans`: {operator.span}"] if operator.span else []
        lengths += [f"- `extra`: {operator.extra}"] if operator.extra else []
        if lengths:
            parts.append("\n".join(lengths) + "\n")
    for title, *things in (
        ("Limits", threshold, limits_of),
        ("all, any, n of m", Combination, Group, related),
        ("Held readings", SourceMetric, Agreement),
        ("What a rule pack says", RulePack),
        ("Why most readings cost little", quiet_band),
    ):
        parts.append(f"## {title}\n\n" + "\n\n".join(_said(thing) for thing in things) + "\n")
    return "\n".join(parts)


def _said(thing: Any) -> str:
    function = getattr(thing, "py_func", thing)
    return f"`{function.__name__}`: {inspect.getdoc(function) or ''}"


def main() -> int:
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.stdout.write(f"✗ {PAGE.name} is not what the operators say; run with --write\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
