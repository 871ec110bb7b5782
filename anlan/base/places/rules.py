"""Codes and search text. Pure."""

from pypinyin import Style, lazy_pinyin

CODE_LENGTH = {"province": 2, "city": 4, "county": 6, "town": 9, "village": 12}


def strip_code(code: str, level: str) -> str:
    """A statistical code without the zeros that fill it: 140427203000, town → 140427203. Raises ValueError."""
    length = CODE_LENGTH.get(level)
    if length is None:
        raise ValueError(f"级别应为 {'、'.join(CODE_LENGTH)} 之一，得到 {level!r}")
    if not (code.isdigit() and len(code) == 12) or code[length:].strip("0"):
        raise ValueError(f"{level} 的区划代码应为 12 位数字、第 {length} 位以后全为 0，得到 {code!r}")
    return code[:length]


def ancestors(code: str) -> list[str]:
    """The area itself and every area above it, nearest first: 140427203 → [140427203, 140427, 1404, 14]."""
    return [code[:n] for n in sorted({*CODE_LENGTH.values(), len(code)}, reverse=True) if n <= len(code)]


def initials(text: str) -> str:
    """Pinyin initials: 石坡乡 → spx."""
    return "".join(lazy_pinyin(text, style=Style.FIRST_LETTER)).lower()


def search_text(*parts: str) -> str:
    """What a place is found by: names and codes as they are, and the initials of the first name."""
    return " ".join([*(part.lower() for part in parts if part), initials(parts[0])])[:240]
