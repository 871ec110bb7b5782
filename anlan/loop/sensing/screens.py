"""What sensing shows in the frame: its page in the navigation, stations on the map, words of its journal lines."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from anlan.base.journal.references import KIND_WORDS, RESOLVERS, Reference
from anlan.base.places.models import Place
from anlan.base.places.queries import visible_places
from anlan.kernel.actor import Actor
from anlan.ui.map_layers import MAP_LAYERS, Feature, MapLayer, point
from anlan.ui.navigation import NAVIGATION, Count, NavItem
from anlan.ui.words import age

from .manual import visible_batches
from .models import Device
from .queries import LatestValue, device_states, latest_values, source_packs, visible_quarantine
from .queries_devices import waiting_quarantine
from .rain import rain_sums

HOUR = timedelta(hours=1)


def _silence(value: LatestValue | None) -> str:
    """How long nothing was heard, in words; never a figure that could be read as a measurement."""
    if value is None or value.age_s is None:
        return _("无数据 · 从未收到")
    return _("无数据 · 静默 %(age)s") % {"age": age(value.age_s)}


def _features(
    actor: Actor, now: datetime, kind: str, metric: str, words: Callable[[Place, LatestValue], tuple[str, str] | None]
) -> list[Feature]:
    """Stations of a kind. `words` gives the figure and its sentence; where it gives None the station is as unknown as
    a silent one."""
    latest = {value.place_id: value for value in latest_values(actor, now, (metric,)) if value.metric == metric}
    drawn = []
    for place in visible_places(actor).filter(kind=kind).order_by("code"):
        value = latest.get(str(place.id))
        said = words(place, value) if value is not None and value.known else None
        if said is not None and value is not None and value.age_s is not None:
            figure, note = said[0], f"{said[1]} · {age(value.age_s)}"
        else:
            figure, note = _("无数据"), _silence(value)
        drawn.append(
            point(place.lon, place.lat, shape="station", css=kind, key=place.code, label=place.name, note=note,
                  figure=figure, unknown=said is None, panel=f"{reverse('map-panel')}?place={place.code}")
        )  # fmt: skip
    return drawn


def gauge_features(actor: Actor, now: datetime) -> list[Feature]:
    """Rain gauges with what fell in the last hour."""
    gauges = visible_places(actor).filter(kind="rain_gauge")
    sums = rain_sums(actor, gauges, {"1h": HOUR}, now)

    def words(place: Place, _value: LatestValue) -> tuple[str, str] | None:
        fallen = sums[place.id].by_window["1h"]
        return None if fallen is None else (f"{fallen:.1f}", _("1 小时 %(mm)s mm") % {"mm": f"{fallen:.1f}"})

    return _features(actor, now, "rain_gauge", "rain", words)


def river_features(actor: Actor, now: datetime) -> list[Feature]:
    """River stations with their newest stage."""
    unit = source_packs()["stage"].unit

    def words(_place: Place, value: LatestValue) -> tuple[str, str] | None:
        if value.value is None:
            return None
        return f"{value.value:.2f}", _("水位 %(value)s %(unit)s") % {"value": f"{value.value:.2f}", "unit": unit}

    return _features(actor, now, "river_station", "stage", words)


def _silent(actor: Actor, now: datetime) -> Count | None:
    """Silent devices and stations that nobody admitted, where the actor may do something about them."""
    number = sum(1 for state in device_states(actor, now).values() if not state.known)
    number += waiting_quarantine(actor).count()
    return Count(number) if number else None


def _device_references(actor: Actor, keys: set[str]) -> dict[str, Reference]:
    found = Device.objects.visible_to(actor).filter(id__in=keys).select_related("place")
    return {
        str(one.id): Reference(f"{one.place.name} {one.address}", reverse("device", args=[one.id])) for one in found
    }


def _quarantine_references(actor: Actor, keys: set[str]) -> dict[str, Reference]:
    numbers = [key for key in keys if key.isdigit()]
    return {
        str(one.id): Reference(one.address, reverse("device-unknown", args=[one.id]))
        for one in visible_quarantine(actor).filter(id__in=numbers)
    }


def _manual_references(actor: Actor, keys: set[str]) -> dict[str, Reference]:
    found = visible_batches(actor).filter(id__in=keys)
    return {str(one.id): Reference(one.file_name, reverse("manual-batch", args=[one.id])) for one in found}


RESOLVERS.add("manual", _manual_references)
RESOLVERS.add("device", _device_references)
RESOLVERS.add("quarantine", _quarantine_references)
NAVIGATION.add("manual", NavItem("人工数据", "manual", "list", "calm", 16, "sensing.enter"))
NAVIGATION.add("devices", NavItem("设备", "devices", "tower", "calm", 15, "sensing.read", count=_silent))
MAP_LAYERS.add(
    "rain", MapLayer("雨量站", "雨水", 40, gauge_features, permission="sensing.read", parts=("sensing", "places"))
)
MAP_LAYERS.add(
    "rivers", MapLayer("河道水位站", "雨水", 42, river_features, permission="sensing.read", parts=("sensing", "places"))
)
for _kind, _words in {
    "sensing.device_registered": "登记设备",
    "sensing.quarantined": "未登记站来报",
    "sensing.token_issued": "发放接入令牌",
    "sensing.token_revoked": "吊销接入令牌",
    "sensing.manual_entered": "录入人工数据",
    "sensing.manual_withdrawn": "撤回人工数据",
    "sensing.ignored": "不予登记",
    "sensing.noticed": "撤回不予登记",
    "sensing.device_disabled": "停用设备",
    "sensing.device_reinstated": "恢复设备",
    "sensing.device_password": "改设备口令",
    "sensing.device_configured": "改设备配置",
    "sensing.flood": "设备发得太多",
    "sensing.stranger": "陌生来源刷报文",
    "sensing.contested": "同一站地址两处来报",
    "sensing.unasked": "设备问不到",
    "sensing.attachment_kept": "收到图片或文字",
    "sensing.asked": "向站下发",
    "sensing.answered": "站已应答",
    "sensing.unanswered": "站未应答",
}.items():
    KIND_WORDS.add(_kind, _words)
