"""Where figures go: between their marks in docs/performance.md."""

from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"


def write(name: str, rows: list[str]) -> None:
    """Put rows between the marks of that name."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    head, rest = text.split(begin)
    tail = rest.split(end)[1]
    PAGE.write_text(f"{head}{begin}\n" + "\n".join(rows) + f"\n{end}{tail}", encoding="utf-8")
    print("\n".join(rows), flush=True)
