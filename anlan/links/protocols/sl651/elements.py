"""Tables of SL 651-2014 as data: elements.csv (appendix C) and parameters.csv (appendix D), and what each function is.

An element that is not listed is decoded as packed decimal, stored under `sl651.<identifier>` and shown with its raw
bytes: new elements cost a line in the table, never code.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class ElementKind:
    """One line of the table. metric: the name it is stored under; form and digits: see the head of elements.csv."""

    id: str
    name: str
    unit: str
    metric: str
    form: str = "bcd"
    scale: str = ""
    digits: str = ""
    source: str = ""

    @property
    def definition(self) -> int:
        """The definition byte a centre sends behind the identifier when it asks for this element."""
        if self.form in LISTS:
            return LISTS[self.form] << 3
        whole, _dot, decimals = (self.digits or "8.2").partition(".")
        return (int(whole) + 1) // 2 << 3 | int(decimals)


@dataclass(frozen=True, slots=True)
class ParameterKind:
    """One line of parameters.csv; forms are explained at its head."""

    id: str
    name: str
    unit: str
    form: str
    source: str = ""


LISTS = {"rain5": 12, "level5": 24}
"""Bytes of an hour's list by its form."""


def _rows(name: str) -> list[list[str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as table:
        return list(csv.reader(line for line in table if not line.startswith("#")))[1:]


ELEMENTS: dict[str, ElementKind] = {row[0]: ElementKind(*row) for row in _rows("elements.csv")}
PARAMETERS: dict[str, ParameterKind] = {row[0]: ParameterKind(*row) for row in _rows("parameters.csv")}

FUNCTIONS = {
    "2F": "链路维持报",
    "30": "测试报",
    "31": "均匀时段水文信息报",
    "32": "定时报",
    "33": "加报报",
    "34": "小时报",
    "35": "人工置数报",
    "36": "图片报",
    "37": "实时数据查询",
    "38": "时段数据查询",
    "39": "人工置数查询",
    "3A": "指定要素查询",
    "40": "修改基本配置",
    "41": "读取基本配置",
    "42": "修改运行参数",
    "43": "读取运行参数",
    "44": "水泵电机实时数据查询",
    "45": "软件版本查询",
    "46": "状态和报警信息查询",
    "47": "固态存储初始化",
    "48": "恢复出厂设置",
    "49": "修改密码",
    "4A": "设置时钟",
    "4B": "设置IC卡状态",
    "4C": "控制水泵",
    "4D": "控制阀门",
    "4E": "控制闸门",
    "4F": "水量定值控制",
    "50": "事件记录查询",
    "51": "时钟查询",
}
# Functions whose body, going up, carries a station kind and measured elements (the rest carries parameters).
DATA_FUNCTIONS = frozenset({"30", "31", "32", "33", "34", "35", "36", "37", "38", "39", "3A", "44"})
# Functions that a station sends by itself and waits to have confirmed.
REPORTS = frozenset({"2F", "30", "31", "32", "33", "34", "35", "36"})
# Functions whose body is a row of parameters with their values, in both directions or only up.
PARAMETER_FUNCTIONS = frozenset({"40", "41", "42", "43", "49"})

# Bits of element 45 (table 58), counted from the lowest; what a set bit says. aaasoft/Quick.SL651 names only the
# element; the bits are those that a public C header of a station and a public web decoder agree on.
STATUS_BITS = (
    "交流停电", "蓄电池电压低", "水位超限", "流量超限", "水质超限", "流量仪表故障", "水位仪表故障", "终端箱门关闭",
    "存储器异常", "IC卡有效", "水泵停机", "剩余水量超限",
)  # fmt: skip
# Counters of function 50 in order (ERC1-ERC18); those behind them are spare.
EVENTS = (
    "历史数据初始化", "参数变更", "状态量变位", "传感器及仪表故障", "密码修改", "终端故障", "交流失电", "蓄电池电压低",
    "终端箱非法打开", "水泵故障", "剩余水量超限", "水位超限", "水压超限", "水质参数超限", "数据出错", "发报文",
    "收报文", "发报文出错",
)  # fmt: skip


def kind_of(identifier: str) -> ElementKind:
    """The table's line for an identifier ("26", "FF92"), or a plain one for an unknown element."""
    found = ELEMENTS.get(identifier)
    return found if found is not None else ElementKind(identifier, "", "", f"sl651.{identifier.lower()}")


def parameter_of(identifier: str) -> ParameterKind:
    """The table's line for a parameter, or a plain one (kept raw) for an unknown one."""
    found = PARAMETERS.get(identifier)
    return found if found is not None else ParameterKind(identifier, "", "", "hex")
