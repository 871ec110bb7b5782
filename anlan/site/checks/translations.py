"""Every text that templates and code mark for translation, and what of it the English catalogue still lacks.

Chinese is the source. A template with Chinese outside a translate tag fails; missing English is counted and shown.
"""

import re
import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent.parent
MARKED = re.compile(r'{%\s*translate\s+"([^"]+)"|\b_\(\s*"([^"]+)"|gettext\(\s*"([^"]+)"')
CATALOGUE = HOUSE / "locale" / "en" / "LC_MESSAGES" / "django.po"


def marked() -> set[str]:
    """All marked texts."""
    texts: set[str] = set()
    for path in [*HOUSE.rglob("*.html"), *HOUSE.rglob("*.py")]:
        if "tests" not in path.parts:
            found = MARKED.findall(path.read_text(encoding="utf-8"))
            texts.update(next(filter(None, groups)) for groups in found)
    return texts


def translated() -> set[str]:
    """Texts that have an English answer."""
    if not CATALOGUE.exists():
        return set()
    pairs = re.findall(r'msgid "(.+)"\nmsgstr "(.+)"', CATALOGUE.read_text(encoding="utf-8"))
    return {source for source, _english in pairs}


def main() -> int:
    texts = marked()
    missing = texts - translated()
    sys.stdout.write(f"translations: {len(texts)} texts, {len(missing)} without English\n")
    bare = [path for path in HOUSE.rglob("*.html") if _bare_chinese(path)]
    for path in bare:
        sys.stdout.write(f"✗ {path.relative_to(HOUSE.parent)}: Chinese outside a translate tag\n")
    return 1 if bare else 0


def _bare_chinese(path: Path) -> bool:
    """Chinese that stands in a template outside any tag or comment."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"{%\s*blocktranslate.*?{%\s*endblocktranslate\s*%}", "", text, flags=re.S)
    text = re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}", "", text, flags=re.S)
    return re.search(r"[\u4e00-\u9fff]", text) is not None


if __name__ == "__main__":
    sys.exit(main())
