"""The catalogues: every text that a page may show has its English; `--write` brings the files up to the sources.

Chinese is the source. Fails for a text without English, for one that no source has any more, for values that got lost
in translation, for Chinese outside a translate tag, and where a .mo file is not what its .po file says.
"""

import gettext
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from anlan.ui.language import read_catalogue

from .texts import HOUSE, bare, texts

LOCALE = HOUSE / "locale"
ENGLISH = LOCALE / "en" / "LC_MESSAGES" / "django.po"
VALUE = re.compile(r"%\(\w+\)[sd]|%%|\{\d+\}")
HEAD = """\
msgid ""
msgstr ""
"Language: en\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""
MAGIC = 0x950412DE


def problems() -> Iterator[str]:
    """Everything that is wrong, a line each."""
    wanted, known = texts(), read_catalogue(ENGLISH)
    for text, where in wanted.items():
        if not known.get(text):
            yield f"{where}: no English for {text!r}"
    for text, answer in known.items():
        if text not in wanted:
            yield f"{ENGLISH.name}: no source has {text!r} any more"
        elif answer and sorted(VALUE.findall(text)) != sorted(VALUE.findall(answer)):
            yield f"{ENGLISH.name}: other values in {answer!r} than in {text!r}"
    for path in sorted([*HOUSE.rglob("*.html"), *HOUSE.rglob("*.js")]):
        if "vendor" not in path.parts and bare(path):
            yield f"{path.relative_to(HOUSE.parent)}: Chinese outside a translate tag"
    for path in sorted(LOCALE.rglob("*.po")):
        if _compiled(path.with_suffix(".mo")) != read_catalogue(path):
            yield f"{path.relative_to(HOUSE.parent)}: its .mo file is older; run with --write"


def _compiled(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    with path.open("rb") as file:
        catalogue = gettext.GNUTranslations(file)
    return {source: catalogue.gettext(source) for source in read_catalogue(path.with_suffix(".po"))}


def write() -> None:
    """Put what is wanted into the English catalogue, keep the answers that are there, and compile all catalogues."""
    known, out = read_catalogue(ENGLISH), [HEAD]
    for text, where in sorted(texts().items()):  # by text, so that two new ones seldom meet in one place
        out.append(f"#: {where}\nmsgid {_quoted(text)}\nmsgstr {_quoted(known.get(text, ''))}\n")
    ENGLISH.parent.mkdir(parents=True, exist_ok=True)
    ENGLISH.write_text("\n".join(out), encoding="utf-8")
    for path in LOCALE.rglob("*.po"):
        path.with_suffix(".mo").write_bytes(compiled(path))


def _quoted(text: str) -> str:
    signs = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(signs.get(sign, sign) for sign in text) + '"'


def compiled(path: Path) -> bytes:
    """A .po file as the binary that gettext reads (GNU gettext manual, "The Format of GNU MO Files")."""
    head = re.search(r'msgid ""\nmsgstr ""\n((?:".*"\n)+)', path.read_text(encoding="utf-8"))
    assert head is not None, f"{path} has no head"
    lines = "".join(line[1:-1] for line in head[1].strip().split("\n")).replace("\\n", "\n")
    pairs = sorted({"": lines, **read_catalogue(path)}.items(), key=lambda pair: pair[0].encode())
    rows = [(source.encode(), answer.encode()) for source, answer in pairs if answer]
    table, strings = b"", b""
    start = 28 + 16 * len(rows)
    for column in (0, 1):
        for row in rows:
            table += struct.pack("<II", len(row[column]), start + len(strings))
            strings += row[column] + b"\0"
    return struct.pack("<7I", MAGIC, 0, len(rows), 28, 28 + 8 * len(rows), 0, 0) + table + strings


def main() -> int:
    if "--write" in sys.argv[1:]:
        write()
    found = list(problems())
    for problem in found:
        sys.stdout.write(f"✗ {problem}\n")
    sys.stdout.write(f"translations: {len(texts())} texts, {len(found)} problems\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
