"""What pages need to know of a device protocol: its name, what may be asked, how a device that is asked is described.

The site fills this from the protocols it serves; sensing itself knows none of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from anlan.kernel.registry import Registry


@dataclass(frozen=True)
class ConfigForm:
    """A description of a device that is asked, as an operator types it.

    read: fields of the form → the device's address and its config; raises Invalid naming the field. show: a config →
    the fields. sample: lines of the register map as an example.
    """

    read: Callable[[Mapping[str, str]], tuple[str, dict[str, object]]]
    show: Callable[[Mapping[str, object]], dict[str, str]]
    sample: str


@dataclass(frozen=True)
class Wire:
    """A protocol as pages show it. asks: names of the requests that its devices answer (see asking.WORDS); pushes: its
    devices show a token, not a password; by_hand: people read it, there is no device to register."""

    name: str
    title: str
    asks: frozenset[str] = frozenset()
    form: ConfigForm | None = None
    pushes: bool = False
    by_hand: bool = False


WIRES: Registry[Wire] = Registry("device protocol")


def wire_of(protocol: str) -> Wire:
    """The protocol, or a plain one for a device whose protocol the site no longer serves."""
    return WIRES[protocol] if protocol in WIRES else Wire(protocol, protocol.upper())
