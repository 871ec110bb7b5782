"""Sheets of readings that people write down: CSV or Excel → lines of text, and back with a column of errors.

Pure: bytes in, lines out. Never: a device looked up, a value judged.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from io import BytesIO, StringIO
from zipfile import BadZipFile

from django.utils.translation import gettext as _
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font
from openpyxl.utils.exceptions import InvalidFileException

from anlan.kernel.errors import Invalid

HEADS = (
    ("place", ("对象", "对象编号", "站点", "设备", "站地址", "place", "device", "station")),
    ("metric", ("要素", "metric", "element")),
    ("time", ("时间", "观测时间", "time", "at")),
    ("value", ("数值", "值", "value")),
)
TITLES = ("对象或设备", "要素", "时间", "数值")
LINES_MAX = 5000
BYTES_MAX = 4_000_000
Line = tuple[str, str, str, str]
"""place, metric, time, value as written."""


def read_sheet(name: str, data: bytes) -> list[Line]:
    """The lines of a file, in order, empty ones left out. Raises Invalid that says what is wrong with the file."""
    if len(data) > BYTES_MAX:
        raise Invalid("file", _("文件太大"), _("至多 %(mb)s MB") % {"mb": BYTES_MAX // 1_000_000})
    rows = _excel(data) if data[:2] == b"PK" else _csv(data)
    head = next(rows, None)
    if head is None:
        raise Invalid("file", _("文件是空的"), _("照模板填"))
    where = _columns(head)
    lines: list[Line] = []
    for row in rows:
        cells = [row[at].strip() if at < len(row) else "" for at in where]
        if any(cells):
            lines.append((cells[0], cells[1], cells[2], cells[3]))
        if len(lines) > LINES_MAX:
            raise Invalid("file", _("一次至多 %(n)s 行") % {"n": LINES_MAX}, _("分几次上传"))
    if not lines:
        raise Invalid("file", _("只有表头，没有数据"), _("照模板填"))
    return lines


def _columns(head: Sequence[str]) -> list[int]:
    found = []
    named = [cell.strip().lower().removeprefix("\ufeff") for cell in head]
    for title, (_key, names) in zip(TITLES, HEADS, strict=True):
        at = next((n for n, cell in enumerate(named) if cell in names or cell == title), None)
        if at is None:
            raise Invalid("file", _("缺“%(title)s”这一列") % {"title": _(title)}, _("第一行是表头，照模板填"))
        found.append(at)
    return found


def _csv(data: bytes) -> Iterator[list[str]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise Invalid("file", _("读不懂这个文件"), _("应为 CSV 或 Excel（xlsx）"))
    if "\0" in text:
        raise Invalid("file", _("读不懂这个文件"), _("应为 CSV 或 Excel（xlsx）"))
    return iter(csv.reader(StringIO(text)))


def _excel(data: bytes) -> Iterator[list[str]]:
    try:
        book = load_workbook(BytesIO(data), read_only=True, data_only=True)
    except (InvalidFileException, BadZipFile, KeyError, ValueError, OSError) as error:
        raise Invalid("file", _("读不懂这个文件"), _("应为 CSV 或 Excel（xlsx）")) from error
    rows = book.worksheets[0].iter_rows(values_only=True, max_row=LINES_MAX + 2)
    return ([_text(cell) for cell in row] for row in rows)


def _text(cell: object) -> str:
    """A cell as a person would have typed it."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def write_sheet(lines: Iterable[Sequence[str]], metrics: Iterable[tuple[str, str]] = ()) -> bytes:
    """An Excel file in the form that `read_sheet` takes. lines: four cells, and a fifth where something was wrong.

    metrics: name and Chinese name, for a second sheet that says what may stand in the second column.
    """
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "数据"
    rows = list(lines)
    sheet.append([*TITLES, *(["问题"] if any(len(row) > 4 for row in rows) else [])])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for row in rows:
        sheet.append(["".join(sign for sign in cell if sign >= " ") for cell in row])
        for cell in sheet[sheet.max_row]:
            cell.number_format, cell.data_type = "@", "s"  # as it was typed; "=…" must not become a formula
    for letter, width in zip("ABCDE", (22, 20, 22, 12, 48), strict=True):
        sheet.column_dimensions[letter].width = width
    listed = list(metrics)
    if listed:
        second = book.create_sheet("要素")
        second.append(["要素", "名称"])
        for one in listed:
            second.append(list(one))
    out = BytesIO()
    book.save(out)
    return out.getvalue()
