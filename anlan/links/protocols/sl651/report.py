"""A decoded frame → samples for the pipeline and the centre's answer.

Values get their own times: twelve 5-minute values are spread over the hour that they belong to. Never: choosing which
of several rain elements counts (a pack says so), or judging a date.
"""

from datetime import datetime, timedelta

from anlan.kernel.clock import BEIJING
from anlan.links.protocols.contract import File, Message, Sample
from anlan.links.protocols.sl651 import framing
from anlan.links.protocols.sl651.codec import Element, Frame, decode
from anlan.links.protocols.sl651.elements import DATA_FUNCTIONS, REPORTS, kind_of
from anlan.links.protocols.sl651.encode import down_frame
from anlan.links.protocols.sl651.lines import as_data

EPOCH = datetime.fromtimestamp(0, BEIJING).replace(tzinfo=None)
"""Unix time 0 as the stations count: Beijing time without a zone, eight hours ahead all year."""
FIVE_MINUTES = timedelta(minutes=5)
SLACK = timedelta(minutes=5)  # a station's clock and its sending may differ by this much


def read(data: bytes, now: datetime) -> Message:
    """One whole frame → message. now: the site's time, for the answer. Never raises."""
    return message_of(decode(data), data, now)


def message_of(frame: Frame, data: bytes, now: datetime) -> Message:
    """A decoded frame → message. data: its bytes as they came."""
    key = f"{frame.func}:{frame.serial}:{frame.packet_seq}:{frame.send_time and frame.send_time.isoformat()}"
    message = Message(frame.station, key, kind(frame), password=frame.password, raw=data)
    if frame.fault is not None:
        message.error = str(frame.fault)
    if not frame.up or frame.fault is not None:
        return message
    message.sent_ms = _ms(frame.send_time) if frame.send_time is not None else None
    if frame.func not in REPORTS and frame.serial:
        message.replies_to = f"{frame.func}:{frame.serial}"
        message.facts = as_data(frame)
    if frame.func in REPORTS and frame.etx != framing.ETB:
        message.answer = down_frame(frame, now)
    if frame.func in DATA_FUNCTIONS:
        for element in frame.elements:
            message.samples.extend(_samples(frame, element))
    message.files = _files(frame)
    return message


def _files(frame: Frame) -> list[File]:
    """The picture or the text that somebody wrote at the station; a packet of several is not a picture yet."""
    at = frame.obs_time or frame.send_time
    when = _ms(at) if at is not None else None
    if frame.picture and frame.stx != framing.SYN:
        return [File("picture", frame.picture, when)]
    if frame.manual_text:
        return [File("text", frame.manual_text.encode(), when)]
    return []


def kind(frame: Frame) -> str:
    """link = the line is kept open, report = sent by itself, reply = asked for, down = from a centre."""
    if not frame.up:
        return "down"
    if frame.func == "2F":
        return "link"
    return "report" if frame.func in REPORTS else "reply"


def _samples(frame: Frame, element: Element) -> list[Sample]:
    metric = kind_of(element.id).metric
    if element.obs is None:
        return []
    if element.values is None:
        if isinstance(element.value, str):
            return []
        return [Sample(metric, _ms(element.obs), element.value)]
    step = _step(frame, element)
    if step is None:
        return []
    first = element.obs
    span = step * (len(element.values) - 1)
    # The time before a list is that of its first value (then the last one is about when it was sent) or, with many
    # stations, that of its last one: a list that would end after it was sent shows which.
    if frame.send_time is not None and first + span > frame.send_time + SLACK:
        first -= span
    return [Sample(metric, _ms(first + i * step), value) for i, value in enumerate(element.values)]


def _step(frame: Frame, element: Element) -> timedelta | None:
    """Time between the values of a list: 5 minutes for F4-FC, else the time step DDhhmm of the frame."""
    if kind_of(element.id).form != "bcd":
        return FIVE_MINUTES
    digits = frame.time_step
    if not digits.isdigit() or not int(digits):
        return None
    return timedelta(days=int(digits[:2]), hours=int(digits[2:4]), minutes=int(digits[4:6]))


def _ms(moment: datetime) -> int:
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
