"""`python -m tests.bench.net GAUGES AREAS`: gauges over the demo county, danger areas below some of them.

Half of the gauges are also devices that push; `--token` prints a token for those.
"""

import sys
from itertools import cycle, islice

import django

django.setup()

from anlan.base.people.models import Post  # noqa: E402
from anlan.base.places.commands import NewPlace, create_places  # noqa: E402
from anlan.kernel.actor import system_actor  # noqa: E402
from anlan.kernel.modes import Mode  # noqa: E402
from anlan.loop.sensing.models import Device  # noqa: E402
from anlan.loop.sensing.tokens import issue_token  # noqa: E402
from anlan.ui.context import site_clock  # noqa: E402
from tests.bench.address import address  # noqa: E402

LIMITS = {"1h": {"prepare": 20, "now": 30}}


def main() -> None:
    gauges, areas = int(sys.argv[1]), int(sys.argv[2])
    now, actor = site_clock().now(), system_actor("bench", Mode.DRILL)
    heads = list(Post.objects.filter(role="village_head").order_by("code").values_list("area_code", flat=True))
    villages = list(islice(cycle(heads), max(gauges, areas)))
    new = [
        NewPlace(f"NET{n:06d}", f"加密{n}号雨量站", "rain_gauge", villages[n], 112.9, 36.2,
                 {"station": address(n), "interval_min": 5}, synthetic=True)
        for n in range(gauges)
    ]  # fmt: skip
    new += [
        NewPlace(f"NETWX{n:06d}", f"加密{n}号危险区", "danger_area", villages[n], 112.9, 36.2,
                 {"gauges": [f"NET{n:06d}"], "limits": LIMITS, "village": villages[n]}, people_at_risk=50,
                 households=18, synthetic=True)
        for n in range(areas)
    ]  # fmt: skip
    places = create_places(actor, new, now=now)
    Device.objects.bulk_create(
        Device(protocol="sl651", address=p.attributes["station"], place=p, mode=p.mode, admitted_at=now)
        for p in places
        if p.kind == "rain_gauge"
    )
    Device.objects.bulk_create(
        Device(protocol="ingest", address=f"P{n}", place=p, mode=p.mode, admitted_at=now)
        for n, p in enumerate(places[: gauges // 2])
    )
    print(f"{len(set(heads))} villages", file=sys.stderr)


def token() -> None:
    """Print a token for all devices of the net that push."""
    devices = list(Device.objects.filter(protocol="ingest", address__startswith="P"))
    actor = system_actor("bench", Mode.DRILL)
    print(issue_token(actor, devices=devices, now=site_clock().now())[1])


if __name__ == "__main__":
    token() if sys.argv[1] == "--token" else main()
