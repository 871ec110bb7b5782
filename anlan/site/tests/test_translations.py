"""The check of translations can fail, and sentences with holes are found again whatever was put in."""

import gettext
import io
import re
from pathlib import Path

import pytest
from django.utils.translation import override

from anlan.site.checks import texts, translations
from anlan.ui.language import HOLE, read_catalogue, say

SENTENCES = sorted(source for source in read_catalogue(translations.ENGLISH) if HOLE.search(source))


class TestWhatIsFound:
    def test_in_templates(self) -> None:
        source = (
            '{% translate "登录" %}<b title="{{ x|default:_("全部") }}">'
            "{% blocktranslate with n=a.b %}还有 {{ n }} 人，100%{% endblocktranslate %}{# 注释 #}"
        )
        assert list(texts.of_template(source)) == ["登录", "全部", "还有 %(n)s 人，100%%"]

    def test_in_code(self) -> None:
        source = '"""说明"""\nA = "蓝色"\ndef f(x: int) -> str:\n    """说明"""\n    return f"还缺：{x}，{x!r} 个"\n'
        assert sorted(texts.of_code(source)) == ["蓝色", "还缺：{0}，{1} 个"]

    def test_in_packs_but_not_the_norm_they_cite(self) -> None:
        pack = {
            "title": "雨量站",
            "norm": {"title": "水文规约"},
            "attributes": {"lead": {"title": "提前量", "unit": "分钟"}},
        }
        assert list(texts.of_pack(pack)) == ["雨量站", "提前量", "分钟"]

    @pytest.mark.parametrize(
        ("name", "text", "found"),
        [
            ("a.html", '<p>{% translate "登录" %}</p>{# 注释 #}', False),
            ("a.html", "<p>登录</p>", True),
            ("a.html", "<p>{{ a }}，{{ b }}</p>", True),
            ("a.js", "/* 注释 */ // 注释\nlet a = 1;", False),
            ("a.js", 'let a = "登录";', True),
        ],
    )
    def test_chinese_outside_a_tag(self, tmp_path: Path, name: str, text: str, found: bool) -> None:
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert texts.bare(tmp_path / name) is found


class TestTheCatalogue:
    def test_nothing_is_wrong_with_it_now(self) -> None:
        assert list(translations.problems()) == []

    def test_what_is_wrong_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        text = translations.ENGLISH.read_text(encoding="utf-8")
        text = re.sub(r'msgid "值班台"\nmsgstr ".*"', 'msgid "值班台"\nmsgstr ""', text)
        text = (
            text.replace('msgstr "%(h)d h %(m)d min"', 'msgstr "%(h)d h"') + '\nmsgid "没有人用的话"\nmsgstr "unused"\n'
        )
        broken = tmp_path / "django.po"
        broken.write_text(text, encoding="utf-8")
        monkeypatch.setattr(translations, "ENGLISH", broken)
        found = "\n".join(translations.problems())
        assert "no English for '值班台'" in found
        assert "no source has '没有人用的话' any more" in found
        assert "other values in '%(h)d h'" in found
        assert len(found.splitlines()) == 3

    def test_the_binary_holds_what_the_text_says(self, tmp_path: Path) -> None:
        path = tmp_path / "django.po"
        path.write_text(translations.HEAD + '\nmsgid "引\\"号\\n"\nmsgstr "a \\"quote\\"\\n"\n', encoding="utf-8")
        catalogue = gettext.GNUTranslations(io.BytesIO(translations.compiled(path)))
        assert catalogue.gettext('引"号\n') == 'a "quote"\n'
        assert catalogue.info()["language"] == "en"


@pytest.mark.parametrize("source", SENTENCES)
def test_every_sentence_is_found_again_with_its_values(source: str) -> None:
    values = ["WX1", "7", "40.5", "x"]
    answer = read_catalogue(translations.ENGLISH)[source]
    with override("en"):
        assert say(source.format(*values)) == answer.format(*values)
