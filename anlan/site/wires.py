"""Which device protocols the site serves, told to the pages of sensing: names, requests, forms of polled devices."""

from collections.abc import Mapping

from pydantic import ValidationError

from anlan.kernel.errors import Invalid
from anlan.links.protocols import PROTOCOLS
from anlan.links.protocols.modbus import registers
from anlan.loop.sensing.asking import WORDS
from anlan.loop.sensing.wires import WIRES, ConfigForm, Wire


def modbus_address(device: registers.DeviceMap) -> str:
    """A polled device's name among all: where it is and its number on the line."""
    return f"{device.host}:{device.port}/{device.slave}".upper()[:64]


def read_modbus(form: Mapping[str, str]) -> tuple[str, dict[str, object]]:
    """Fields of the form → address and config. Raises Invalid."""
    points = []
    for number, line in enumerate(form.get("points", "").splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            points.append(_point(number, line))
    fields = {name: form[name].strip() for name in registers.FIELDS if form.get(name, "").strip()}
    try:
        device = registers.DeviceMap.model_validate({**fields, "points": points})
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else "points"
        raise Invalid(field, f"{field}：{first['msg']}", "照示例填写") from error
    return modbus_address(device), device.model_dump(mode="json")


def _point(number: int, line: str) -> registers.Point:
    try:
        return registers.point_of(line)
    except ValueError as error:
        raise Invalid("points", f"第 {number} 行：{_first(error)}", "照示例填写") from error


def _first(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        one = error.errors()[0]
        return f"{'.'.join(map(str, one['loc']))} {one['msg']}".strip()
    return str(error)


def show_modbus(config: Mapping[str, object]) -> dict[str, str]:
    """A config → fields of the form."""
    try:
        device = registers.DeviceMap.model_validate(config)
    except ValidationError:
        return {name: str(config.get(name, "")) for name in registers.FIELDS} | {"points": ""}
    fields = {name: f"{getattr(device, name)}" for name in registers.FIELDS}
    return fields | {"points": "\n".join(registers.line_of(point) for point in device.points)}


FORMS = {"modbus": ConfigForm(read_modbus, show_modbus, registers.SAMPLE)}
for _manifest in PROTOCOLS.values():
    _asks = frozenset(WORDS) if _manifest.ask is not None else frozenset[str]()
    WIRES.add(_manifest.name, Wire(_manifest.name, _manifest.title, _asks, FORMS.get(_manifest.name)))
WIRES.add("manual", Wire("manual", "人工", by_hand=True))
WIRES.add("ingest", Wire("ingest", "推送（HTTP、MQTT）", pushes=True))
