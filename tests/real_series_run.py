"""What `real_series.py` does in a database: readings through the pipeline, then what was raised, as tables."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from anlan.kernel.modes import LEVEL_WORDS
from anlan.loop.alarms.models import Alarm
from anlan.loop.alarms.tests.stations import Said, Told, admit, run, started
from anlan.loop.sensing.charts import Asked, place_line
from anlan.loop.sensing.folding import Retention, keep
from anlan.loop.sensing.queries import ms
from anlan.loop.sensing.rain import rain_sums
from tests.cast import SYSTEM, Cast
from tests.real_series import Hour, fire_weather, summer

HOURLY = {"interval_min": 60}
DAILY = {"interval_min": 1440}


def play(cast: Cast, gauge: int, hours: Iterable[Hour], attributes: dict[str, int]) -> None:
    """A gauge tells each row at its own time: the running total of its rain, and what else it measures."""
    place = cast.places[f"YL{gauge}"]
    place.attributes = {**place.attributes, **attributes}
    place.save(update_fields=["attributes"])
    told = list(hours)
    pipeline, total = started(told[0].at), 0.0
    for hour in told:
        total += hour.rain or 0.0
        values = {"rain.accumulated": None if hour.rain is None else round(total, 2) % 10_000, **hour.values}
        said = [Said(name, ms(hour.at), value) for name, value in values.items()]
        message = Told(f"140427000{gauge}", f"32:{ms(hour.at)}", said, password="ABCD" if gauge == 3 else "1234")
        assert run(pipeline, [message], hour.at) == [True]
        pipeline.judge.tick(hour.at)
        pipeline.turn(hour.at)
    while keep(told[-1].at + timedelta(hours=2), Retention(timedelta(days=7), 10)):
        pass


def tables(cast: Cast) -> dict[str, list[str]]:
    """The document's tables by their names."""
    admit(cast)
    play(cast, 3, fire_weather(), DAILY)
    play(cast, 1, summer(), HOURLY)
    return {"storm": list(_storm(cast)), "raised": list(_raised()), "fire": list(_fire(cast))}


def _storm(cast: Cast) -> Iterator[str]:
    """The hours of the storm as the chart shows them, beside the sums that are judged."""
    yield "| to (UTC) | rain of the hour, mm | 1 h | 3 h | 6 h | 24 h | groundwater, m |"
    yield "|---|---|---|---|---|---|---|"
    windows = {f"{hours}h": timedelta(hours=hours) for hours in (1, 3, 6, 24)}
    gauge = cast.places["YL1"]
    first = next(hour.at for hour in summer() if (hour.rain or 0) > 70)
    asked = Asked(first - timedelta(hours=3), first + timedelta(hours=6), "hour")
    rain = place_line(SYSTEM, "YL1", "rain", asked).points
    water = place_line(SYSTEM, "YL1", "groundwater", asked).points
    for at, fell, level in zip(rain.times.tolist(), rain.value.tolist(), water.value.tolist(), strict=True):
        moment = first + timedelta(milliseconds=at - ms(first))
        sums = rain_sums(SYSTEM, [gauge], windows, moment)[gauge.id].by_window
        figures = " | ".join("?" if value is None else f"{value:.1f}" for value in sums.values())
        yield f"| {moment:%Y-%m-%d %H:%M} | {fell:.1f} | {figures} | {level:.3f} |"


def _raised() -> Iterator[str]:
    yield "| raised (event time, UTC) | place | rule | highest level | first decided by | cleared or eased |"
    yield "|---|---|---|---|---|---|"
    for alarm in Alarm.objects.select_related("place").order_by("raised_at", "place__code"):
        said = alarm.evidence
        value = (
            f"{said['value']:g} ≥ {said['limit']:g} {said['unit']} in {said['span']}" if "value" in said else "silence"
        )
        ended = alarm.cleared_at or alarm.eased_at
        end = (
            "open"
            if ended is None
            else f"{ended:%m-%d %H:%M}, " + ("cleared" if alarm.cleared_at else "waits for a signature")
        )
        yield (
            f"| {alarm.raised_at:%Y-%m-%d %H:%M} | {alarm.place.name} | {alarm.facts.title} | "
            f"{LEVEL_WORDS[alarm.peak_level]} | {value} | {end} |"
        )


def _fire(cast: Cast) -> Iterator[str]:
    yield "| element | days | least | greatest | mean of the days |"
    yield "|---|---|---|---|---|"
    days = list(fire_weather())
    asked = Asked(days[0].at - timedelta(days=1), days[-1].at + timedelta(days=1), "day")
    for metric in ("temperature", "humidity", "wind"):
        found = place_line(SYSTEM, "YL3", metric, asked).points
        yield (f"| {metric} | {len(found)} | {found.low.min():g} | {found.high.max():g} | {found.value.mean():.1f} |")
    rain = place_line(SYSTEM, "YL3", "rain", asked).points
    fell = rain.value
    yield f"| rain, mm of the day 08–08 | {len(rain)} | {fell.min():g} | {fell.max():g} | {fell.mean():.1f} |"
