"""Who may send: the allow-list and its counterpart, the stations that call without being on it. The only writers of
admission, refusal, taking out of use and passwords.

Never: a station admitted by itself, or a reading judged whose station nobody answers for.
"""

from collections.abc import Mapping
from datetime import datetime

from django.utils.translation import gettext as _

from anlan.base.journal.commands import command, record
from anlan.base.places.models import Place
from anlan.kernel.actor import Actor
from anlan.kernel.errors import Conflict, Invalid

from .models import Device, Quarantine
from .wires import WIRES, wire_of

LONGEST_ADDRESS = 64


def clean_password(text: str) -> str:
    """A station's password as frames carry it: up to 8 hex digits; empty = it is not checked. Raises Invalid."""
    word = text.strip().upper()
    if word and (len(word) > 8 or any(c not in "0123456789ABCDEF" for c in word)):
        raise Invalid("password", _("口令应为至多 8 位十六进制数，如 1234"), _("留空表示不核对"))
    return word


@command("sensing.admit", permission="sensing.admit")
def admit(
    actor: Actor, *, protocol: str, address: str, place: Place, password: str = "", config: object = None, now: datetime
) -> Device:
    """Put a station on the allow-list under its address, for a place; what it sends is stored and judged from now on.

    A station that was taken out of use comes back, at its own place only: its series tell that place's history.
    config: how a device that is asked is reached. Raises Invalid for a wrong address or password, Conflict.
    """
    word = clean_password(password)
    address = address.strip().upper()
    if protocol not in WIRES:
        raise Invalid(
            "protocol", _("没有规约 %(name)s，可用：%(known)s") % {"name": protocol, "known": "、".join(WIRES)}
        )
    if not address or len(address) > LONGEST_ADDRESS:
        raise Invalid("address", _("站地址要有 1 到 64 个字符"))
    device = Device.objects.select_for_update().filter(protocol=protocol, address=address).first()
    kind = "sensing.device_reinstated"
    if device is None:
        kind = "sensing.device_registered"
        device = Device(protocol=protocol, address=address, place=place, mode=place.mode, admitted_at=now)
    elif device.disabled_at is None:
        words = {"address": address, "place": device.place.name}
        raise Conflict("sensing.taken", _("站地址 %(address)s 已登记给 %(place)s") % words)
    elif device.place_id != place.id:
        words = {"address": address, "place": device.place.name}
        raise Conflict(
            "sensing.other_place",
            _("站地址 %(address)s 曾属于 %(place)s，历史数据在那里") % words,
            _("恢复到原对象，或给新设备换一个站地址"),
        )
    device.disabled_at, device.password = None, word
    device.config = device.config if config is None else config
    device.save()
    Quarantine.objects.filter(protocol=protocol, address=address).delete()
    _record(actor, kind, device, now)
    return device


@command("sensing.ignore", permission="sensing.admit")
def ignore(actor: Actor, stranger: Quarantine, *, reason: str, now: datetime) -> Quarantine:
    """Refuse a station that calls: it leaves the list of those to be looked at; it is counted on, unjudged as before.

    Raises Invalid without a reason."""
    why = reason.strip()
    if not why:
        raise Invalid("reason", _("请写明为什么不登记"), _("如：外县的站、测试设备"))
    stranger.ignored_at, stranger.ignored_reason = now, why[:200]
    stranger.save(update_fields=["ignored_at", "ignored_reason"])
    _record_stranger(actor, "sensing.ignored", stranger, now)
    return stranger


@command("sensing.notice", permission="sensing.admit")
def notice(actor: Actor, stranger: Quarantine, *, now: datetime) -> Quarantine:
    """Take a refusal back."""
    if stranger.ignored_at is not None:
        stranger.ignored_at, stranger.ignored_reason = None, ""
        stranger.save(update_fields=["ignored_at", "ignored_reason"])
        _record_stranger(actor, "sensing.noticed", stranger, now)
    return stranger


@command("sensing.disable", permission="sensing.admit")
def disable(actor: Actor, device: Device, *, now: datetime) -> Device:
    """Take a device out of use: from now on it is a stranger that calls. What it has sent stays. Undone by `admit`."""
    if device.disabled_at is None:
        device.disabled_at = now
        device.save(update_fields=["disabled_at"])
        _record(actor, "sensing.device_disabled", device, now)
    return device


@command("sensing.set_password", permission="sensing.admit")
def set_password(actor: Actor, device: Device, *, password: str, now: datetime) -> Device:
    """The password that its frames must carry; empty = not checked. The journal says that it changed, not to what."""
    word = clean_password(password)
    if word != device.password:
        device.password = word
        device.save(update_fields=["password"])
        _record(actor, "sensing.device_password", device, now)
    return device


def describe(actor: Actor, device: Device, *, form: Mapping[str, str], now: datetime) -> Device:
    """`configure` with what an operator typed. Raises Invalid naming the field; the address cannot change."""
    wire = wire_of(device.protocol)
    if wire.form is None:
        raise Invalid("protocol", _("这种规约的设备不用配置"))
    address, config = wire.form.read(form)
    if address != device.address:
        raise Invalid("host", _("主机、端口、从站号是这台设备的地址，不能改"), _("停用它，再登记新的"))
    return configure(actor, device, config=config, now=now)


@command("sensing.configure", permission="sensing.admit")
def configure(actor: Actor, device: Device, *, config: object, now: datetime) -> Device:
    """How a device that is asked is reached, and its register map; what it means is checked by whoever knows its
    protocol."""
    if config != device.config:
        device.config = config
        device.save(update_fields=["config"])
        _record(actor, "sensing.device_configured", device, now)
    return device


def _record(actor: Actor, kind: str, device: Device, now: datetime) -> None:
    data, place = {"device": str(device.id), "protocol": device.protocol, "address": device.address}, device.place
    record(actor, kind, subject=f"device:{device.id}", now=now, area=place.area_code, place=place.id, data=data)


def _record_stranger(actor: Actor, kind: str, stranger: Quarantine, now: datetime) -> None:
    data = {"protocol": stranger.protocol, "address": stranger.address, "reason": stranger.ignored_reason[:80]}
    record(actor, kind, subject=f"quarantine:{stranger.id}", now=now, data=data)
