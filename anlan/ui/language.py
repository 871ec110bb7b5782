"""The reader's language for texts that were put together where no language is known: rules, refusals, packs.

The source of every text is Chinese. What templates and views mark goes through gettext as usual. Kernel and rules know
no Django; their sentences are f-strings, which stand in the catalogue with {0}, {1}… for what was put in. `say` finds
the sentence again and puts the same values into its English.
"""

import re
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.utils.translation import get_language, gettext

CHINESE = re.compile(r"[\u3001-\u303f\u4e00-\u9fff\uff00-\uffef]")
HOLE = re.compile(r"\{(\d+)\}")
PAIR = re.compile(r'^msgid ((?:".*"\n)+)msgstr ((?:".*"\n)+)', re.M)


def say(text: object) -> str:
    """A text in the language of the request; as it is where it is Chinese already or nothing is known of it."""
    whole = str(text)
    language = get_language() or settings.LANGUAGE_CODE
    if language.startswith("zh") or not CHINESE.search(whole):
        return whole
    direct = gettext(whole)
    if direct != whole:
        return direct
    for pattern, answer in _sentences(language):
        if found := pattern.fullmatch(whole):
            return answer.format(*(say(part) for part in found.groups()))
    between = next((sign for sign in "，、" if sign in whole), "")
    return ", ".join(map(say, whole.split(between))) if between else whole


@cache
def _sentences(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Sentences with holes, the one with the most letters of its own first."""
    pairs: dict[str, str] = {}
    for folder in settings.LOCALE_PATHS:
        pairs |= read_catalogue(Path(folder) / language / "LC_MESSAGES" / "django.po")
    found = [(source, answer) for source, answer in pairs.items() if HOLE.search(source) and answer]
    found.sort(key=lambda pair: -len(HOLE.sub("", pair[0])))
    return [(_pattern(source), answer) for source, answer in found]


def _pattern(source: str) -> re.Pattern[str]:
    parts = HOLE.split(source)[::2]
    return re.compile("(.*?)".join(re.escape(part) for part in parts), re.S)


def read_catalogue(path: Path) -> dict[str, str]:
    """Source and answer of each entry of a .po file; empty where there is no such file."""
    if not path.exists():
        return {}
    pairs = PAIR.findall(path.read_text(encoding="utf-8") + "\n")
    return {source: answer for source, answer in ((_joined(a), _joined(b)) for a, b in pairs) if source}


def _joined(lines: str) -> str:
    text = "".join(line[1:-1] for line in lines.strip().split("\n"))
    return re.sub(r"\\(.)", lambda sign: {"n": "\n", "t": "\t"}.get(sign[1], sign[1]), text)


class ChineseFirst(LocaleMiddleware):
    """Pages are Chinese until the reader chooses otherwise, whatever the browser was installed with; a program that
    speaks the API says in `Accept-Language` what it wants.
    """

    def process_request(self, request: HttpRequest) -> None:
        if not request.path_info.startswith("/api/"):
            request.META.pop("HTTP_ACCEPT_LANGUAGE", None)
        super().process_request(request)
