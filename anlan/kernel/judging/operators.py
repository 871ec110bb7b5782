"""The rule operators: what is worked out at a reading, and when that raises or clears a slot.

Values are integers in the series' own fixed point (rain: hundredths of a millimetre), times Unix milliseconds, and
readings come in order of event time. Step functions take and return plain numbers; `core` loads and stores.

A next operator is a kind here with its line in OPERATORS, its number in `core.work_out`, its twin in `twins.py` and its
judge in `oracle.py`.
"""

from dataclasses import dataclass

from anlan.kernel.judging.jit import jit
from anlan.kernel.judging.layout import FAR, Ints

ADDED, REJUDGED, VANISHED = range(3)  # the last column of a transition
QUIET, DOWN, UP, BOTH, NEVER = -1, 0, 1, 2, 3  # what a step says
VALUE, SILENCE, SCREEN, SUM, RISE, AHEAD, UNCHANGED = range(7)


@dataclass(frozen=True)
class Operator:
    """An operator as packs name it. kind: the feature that it judges. span, extra: what its lengths mean, "" = it has
    none. words: its meaning for the screen; meaning: its exact meaning, as docs/operators.md prints it."""

    kind: int
    title: str
    span: str
    extra: str
    words: str
    meaning: str


OPERATORS: dict[str, Operator] = {
    "limit": Operator(
        VALUE,
        "限值",
        "hold: the value must stand at or over the limit this long; 0 = at once",
        "",
        "数值达到指标并持续到规定时间即报；低于解除值即解除。",
        "Raised by a reading that ends `span` of readings all at or over the limit (reading time minus the time of the "
        "first of them ≥ span). Cleared by a reading under the clear limit. Between the two nothing changes.",
    ),
    "sum": Operator(
        SUM,
        "时段累计",
        "window: readings in (t − span, t] are added up",
        "",
        "时段内的雨量累计达到指标即报；低于解除值即解除。累计值逐次相减，翻转和重新起算都算得清。",
        "The sum of what each reading adds, over (t − span, t]; nothing adds less than 0. A counter adds its step from "
        "the reading before; one that fell has rolled over at its modulus where that is believable, else begun again "
        "at zero; a step over `most` adds nothing. Raised when the sum reaches the limit, cleared when it is under the "
        "clear limit, both at a reading.",
    ),
    "silence": Operator(
        SILENCE,
        "无数据",
        "limit: silent when the clock passes last reading + span",
        "",
        "超过规定时间没有数据即报；再有数据即解除。",
        "Raised at last reading + span when the clock has passed it, or when the next reading shows that it had. "
        "Cleared by the next reading. A series that never spoke is not silent. A reading that arrives late and was "
        "measured inside the gap takes the raise back.",
    ),
    "rise": Operator(
        RISE,
        "升降",
        "lag: the value is compared with the one this long before",
        "tolerance: the earlier reading may be older than the lag by as much",
        "与规定时间之前的数值相比，升（或降）到指标即报。",
        "Value minus the newest value measured at or before t − span, if that is not older than t − span − tolerance; "
        "else it is not judged. Raised when the difference reaches the limit, cleared when it is under the clear "
        "limit. With `below` a fall is judged: the limits are negative.",
    ),
    "ahead": Operator(
        AHEAD,
        "趋势到达",
        "lag: over which the rise is measured",
        "lead: how far the rise is continued",
        "按最近的涨率外推，规定时间内将到指标即报；不再上涨即解除。",
        "Value + rise × lead ÷ time over which it rose, rounded down. The rise is measured from the newest value at or "
        "before t − span that is not older than t − 2 span; a fall is not continued. Reaching the limit means that the "
        "time to reach it, (limit − value) ÷ rate, is at most the lead.",
    ),
    "unchanged": Operator(
        UNCHANGED,
        "不变",
        "length: raised when the value has not changed for so long",
        "",
        "数值一直不变，达到规定时间即报；变化即解除。",
        "Reading time minus the time of the first reading of the run of equal values that ends with it. Raised when it "
        "reaches the span, cleared by the first reading with another value.",
    ),
    "spike": Operator(
        SCREEN,
        "跳变",
        "",
        "",
        "与上一个可信数值相比一次变化过大即报；先不判，等下一次数据或邻站证实。",
        "The step from the last accepted value of the series. A step over the believable one of its source is held: it "
        "is not judged until the next reading. That one takes it back when it lies nearer to the value before than to "
        "the held one, else the held reading is accepted and judged at its own time. Raised when the step reaches the "
        "limit, cleared by a reading whose step is under the clear limit.",
    ),
}


@jit
def emit(out: Ints, n: int, slot: int, up: int, true_at: int, value: int, change: int) -> int:
    """Write one transition; returns the new count."""
    out[n, 0] = slot
    out[n, 1] = up
    out[n, 2] = true_at
    out[n, 3] = value
    out[n, 4] = change
    return n + 1


@jit
def increment(value: int, before: int, modulus: int, most: int) -> int:
    """What a reading of a counter adds to a sum: its distance from the reading before it.

    A counter that fell has rolled over at `modulus` where that gives a believable step, else begun again at zero; a
    step over `most` is no rain (another device, a bad word).
    """
    step = value - before
    if step < 0:
        step = step + modulus if 0 < step + modulus <= most and modulus > 0 else value
    return max(step, 0) if step <= most else 0


@jit
def threshold(
    t: int, number: int, raise_at: int, clear_at: int, hold: int, on: int, since: int
) -> tuple[int, int, int]:
    """Raised by a number that ends `hold` of numbers all at or over the limit; cleared by one under `clear_at`.

    number: already times the sign. Returns the new on and since, and QUIET, DOWN or UP.
    """
    if on == 1:
        return (0, -1, DOWN) if number < clear_at else (1, -1, QUIET)
    if number < raise_at:
        return 0, -1, QUIET
    if since < 0:
        since = t
    if t - since >= hold:
        return 1, -1, UP
    return 0, since, QUIET


@jit
def silence_step(t: int, before: int, span: int, on: int) -> int:
    """A gap longer than the span was a silence from last reading + span until this reading.

    Returns QUIET, DOWN (it ends), BOTH (nobody had seen it: it began and ends), or NEVER: the clock had passed the
    limit, but the reading that ends the silence was measured before it, so there was none.
    """
    if t > before + span:
        return DOWN if on == 1 else BOTH
    return NEVER if on == 1 else QUIET


@jit
def quiet_band(raise_at: int, clear_at: int, sign: int, on: int, since: int) -> tuple[int, int]:
    """The numbers [low, high) at which a slot that is in force neither changes nor must remember anything."""
    if on == 1:
        return (clear_at, FAR) if sign > 0 else (-FAR, 1 - clear_at)
    if since >= 0:
        return FAR, -FAR
    return (-FAR, raise_at) if sign > 0 else (1 - raise_at, FAR)
