"""Element table of SL 651-2014 (appendix C) as data: identifier → name, unit, metric and form.

Forms: bcd = packed decimal with an optional FF sign; hex = bits, shown as they stand; rain5 = one byte of 0.1 mm per
5 minutes; level5 = two bytes of 0.01 m per 5 minutes. An element that is not listed is decoded as bcd and stored under
`sl651.<identifier>`: new elements cost a line here, never code.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ElementKind:
    """One line of the table. metric: the name it is stored under."""

    id: str
    name: str
    unit: str
    metric: str
    form: str = "bcd"


_TABLE = """
01|断面面积|m2|section.area
02|瞬时气温|℃|air.temperature
03|瞬时水温|℃|water.temperature
06|日蒸发量|mm|evaporation.day
07|当前蒸发|mm|evaporation
08|气压|hPa|air.pressure
09|闸门开启高度|m|gate.opening
0C|闸门开启孔数|孔|gate.count
0D|地温|℃|ground.temperature
0E|地下水埋深|m|groundwater.depth
0F|波浪高度|m|wave.height
10|10厘米土壤含水量|%|soil.moisture_10
11|20厘米土壤含水量|%|soil.moisture_20
12|30厘米土壤含水量|%|soil.moisture_30
13|40厘米土壤含水量|%|soil.moisture_40
14|50厘米土壤含水量|%|soil.moisture_50
15|60厘米土壤含水量|%|soil.moisture_60
16|80厘米土壤含水量|%|soil.moisture_80
17|100厘米土壤含水量|%|soil.moisture_100
18|湿度|%|air.humidity
19|开机台数|台|pump.count
1A|1小时降水量|mm|rain.1h
1B|2小时降水量|mm|rain.2h
1C|3小时降水量|mm|rain.3h
1D|6小时降水量|mm|rain.6h
1E|12小时降水量|mm|rain.12h
1F|日降水量|mm|rain.day
20|当前降水量|mm|rain.current
21|1分钟降水量|mm|rain.1min
22|5分钟降水量|mm|rain.five_minute
23|10分钟降水量|mm|rain.10min
24|30分钟降水量|mm|rain.30min
25|暴雨量|mm|rain.storm
26|降水量累计值|mm|rain.accumulated
27|瞬时流量|m3/s|flow
28|取(排)水口1流量|m3/s|flow.1
29|取(排)水口2流量|m3/s|flow.2
30|总出库流量|m3/s|flow.out
31|输水设备流量|m3/s|flow.gate
32|输沙量|万t|sediment.load
33|风向||wind.direction
34|风力|级|wind.force
35|风速|m/s|wind.speed
36|断面平均流速|m/s|flow.velocity_mean
37|当前瞬时流速|m/s|flow.velocity
38|电源电压|V|voltage
39|瞬时河道水位|m|stage
3A|库(闸、站)下水位|m|stage.below
3B|库(闸、站)上水位|m|stage.above
3C|取(排)水口1水位|m|stage.1
3D|取(排)水口2水位|m|stage.2
44|含沙量|kg/m3|sediment
45|遥测站状态及报警信息||station.status|hex
46|pH值||water.ph
47|溶解氧|mg/L|water.oxygen
48|电导率|μS/cm|water.conductivity
49|浊度|度|water.turbidity
4A|高锰酸盐指数|mg/L|water.codmn
4B|氧化还原电位|mV|water.redox
4C|氨氮|mg/L|water.ammonia
4D|总磷|mg/L|water.phosphorus
4E|总氮|mg/L|water.nitrogen
4F|总有机碳|mg/L|water.toc
70|交流A相电压|V|voltage.a
71|交流B相电压|V|voltage.b
72|交流C相电压|V|voltage.c
73|交流A相电流|A|current.a
74|交流B相电流|A|current.b
75|交流C相电流|A|current.c
F4|1小时内每5分钟降水量|mm|rain.five_minute|rain5
F5|1小时内每5分钟相对水位1|m|stage.relative_1|level5
F6|1小时内每5分钟相对水位2|m|stage.relative_2|level5
F7|1小时内每5分钟相对水位3|m|stage.relative_3|level5
F8|1小时内每5分钟相对水位4|m|stage.relative_4|level5
F9|1小时内每5分钟相对水位5|m|stage.relative_5|level5
FA|1小时内每5分钟相对水位6|m|stage.relative_6|level5
FB|1小时内每5分钟相对水位7|m|stage.relative_7|level5
FC|1小时内每5分钟相对水位8|m|stage.relative_8|level5
"""

ELEMENTS: dict[str, ElementKind] = {
    fields[0]: ElementKind(*fields) for fields in (line.split("|") for line in _TABLE.split("\n") if line)
}

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
    "44": "水泵电机实时数据查询",
}
# Functions whose body, going up, carries a station kind and measured elements (the rest carries parameters).
DATA_FUNCTIONS = frozenset({"30", "31", "32", "33", "34", "35", "36", "37", "38", "39", "3A", "44"})
# Functions that a station sends by itself and waits to have confirmed.
REPORTS = frozenset({"2F", "30", "31", "32", "33", "34", "35", "36"})


def kind_of(identifier: str) -> ElementKind:
    """The table's line for an identifier ("26", "FF92"), or a plain one for an unknown element."""
    found = ELEMENTS.get(identifier)
    return found if found is not None else ElementKind(identifier, "", "", f"sl651.{identifier.lower()}")
