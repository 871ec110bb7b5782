"""Real, drill and test never meet in a list, a count, a key or a call."""

from enum import StrEnum


class Mode(StrEnum):
    """Stamped on every object, device, series and entry."""

    REAL = "real"
    DRILL = "drill"
    TEST = "test"


MODE_CHOICES = [(Mode.REAL.value, "真实"), (Mode.DRILL.value, "演练"), (Mode.TEST.value, "测试")]


# Warning level as a number that can be compared: 1 blue, 2 yellow, 3 orange, 4 red; 0 is "none".
LEVEL_NONE, LEVEL_BLUE, LEVEL_YELLOW, LEVEL_ORANGE, LEVEL_RED = range(5)
LEVEL_NAMES = {0: "none", 1: "blue", 2: "yellow", 3: "orange", 4: "red"}
LEVEL_BY_NAME = {name: number for number, name in LEVEL_NAMES.items()}
LEVEL_WORDS = {0: "无", 1: "蓝色", 2: "黄色", 3: "橙色", 4: "红色"}
LEVEL_CHOICES = list(LEVEL_WORDS.items())
