"""Every text that a person may see on a page: marked in templates, Chinese in code, titles in packs. Only reads.

Left out are rooms that speak to a terminal or name data: they are listed here, each with why.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HOUSE = Path(__file__).resolve().parent.parent.parent
HAN = re.compile(r"[\u4e00-\u9fff]")
WRITTEN = re.compile(r"[\u3001\u3002\u4e00-\u9fff\uff00-\uffef]")  # and the full-width comma, colon, brackets
OTHER_ROOMS = (
    "site/cli/", "site/checks/", "site/doctor.py", "site/supervisor.py", "site/config.py",  # the terminal
    "site/settings.py",  # the languages' own names
    "site/demo/site.py", "site/demo/control.py",  # the demo county's names
    "links/",  # the protocols' own words
    "apps.py", "models.py",  # names of tables, which no page shows
    "/tests/", "/migrations/",
)  # fmt: skip
PACKS = ("kinds", "roles", "rules", "incidents")
TRANSLATE = re.compile(r"""{%\s*translate\s+"([^"]+)"|_\("([^"]+)"\)""")
BLOCK = re.compile(r"{%\s*blocktranslate\b([^%]*)%}(.*?){%\s*endblocktranslate\s*%}", re.S)
VARIABLE = re.compile(r"{{\s*(\w+)\s*}}")


def texts() -> dict[str, str]:
    """All texts, each with the file where it was found first."""
    found: dict[str, str] = {}
    for path in sorted(HOUSE.rglob("*.html")):
        _add(found, path, of_template(path.read_text(encoding="utf-8")))
    for path in sorted(HOUSE.rglob("*.py")):
        if not any(room in f"/{path.relative_to(HOUSE).as_posix()}" for room in OTHER_ROOMS):
            _add(found, path, of_code(path.read_text(encoding="utf-8")))
    for family in PACKS:
        for path in sorted((HOUSE / "packs" / family).glob("*.yaml")):
            _add(found, path, of_pack(yaml.safe_load(path.read_text(encoding="utf-8"))))
    return found


def _add(found: dict[str, str], path: Path, new: Iterator[str]) -> None:
    for text in new:
        found.setdefault(text, path.relative_to(HOUSE.parent).as_posix())


def of_template(source: str) -> Iterator[str]:
    """Texts of `translate`, `_()` and `blocktranslate`, the last with %(name)s for its variables."""
    for groups in TRANSLATE.findall(source):
        yield from filter(HAN.search, filter(None, groups))
    for options, inside in BLOCK.findall(source):
        text = VARIABLE.sub(r"%(\1)s", inside.replace("%", "%%"))
        yield " ".join(line.strip() for line in text.strip().splitlines()) if "trimmed" in options else text


def of_code(source: str) -> Iterator[str]:
    """Chinese strings of a module, without its docstrings; an f-string with {0}, {1}… for what it puts in."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside: set[int] = set()
    for node in ast.walk(tree):
        if id(node) in prose or id(node) in inside:
            continue
        if isinstance(node, ast.JoinedStr):
            inside |= {id(part) for part in node.values}
            yield from filter(HAN.search, [_with_holes(node)])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and HAN.search(node.value):
            yield node.value


def _with_holes(node: ast.JoinedStr) -> str:
    text, holes = "", 0
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
        else:
            text, holes = f"{text}{{{holes}}}", holes + 1
    return text


def of_pack(content: Any) -> Iterator[str]:
    """Titles and units anywhere in a pack, but those of the norm that it cites."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key in ("title", "unit") and isinstance(value, str):
                yield from filter(HAN.search, [value])
            elif key not in ("norm", "sources"):
                yield from of_pack(value)


def bare(path: Path) -> bool:
    """Whether Chinese stands in a template outside any tag or comment, or in a script outside its comments."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".js":
        return WRITTEN.search(re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)) is not None
    return WRITTEN.search(re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}", "", BLOCK.sub("", text), flags=re.S)) is not None
