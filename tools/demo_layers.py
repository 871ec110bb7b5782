"""Makes anlan/packs/areas/layers.geojson: synthetic roads, rivers and gullies of 壶关 for the demo map.

    python -m tools.demo_layers

Roads join neighbouring towns; rivers run down from the eastern heights; gullies run from danger areas to the nearest
river. Nothing here is a survey: every feature carries `synthetic: true`. The same seed gives the same file.
"""

import csv
import json
import math
import random
from pathlib import Path

AREAS = Path(__file__).resolve().parent.parent / "anlan" / "packs" / "areas"
SEED = 140427
Point = tuple[float, float]


def wiggle(a: Point, b: Point, chooser: random.Random, steps: int, width: float) -> list[Point]:
    """A line from a to b that bends a little, as roads and rivers do."""
    points = []
    drift = 0.0
    length = math.dist(a, b) or 1.0
    normal = (-(b[1] - a[1]) / length, (b[0] - a[0]) / length)
    for step in range(steps + 1):
        t = step / steps
        drift = 0.7 * drift + chooser.gauss(0, width)
        swing = drift * math.sin(math.pi * t)
        points.append((a[0] + (b[0] - a[0]) * t + normal[0] * swing, a[1] + (b[1] - a[1]) * t + normal[1] * swing))
    return [(round(x, 5), round(y, 5)) for x, y in points]


def feature(kind: str, name: str, line: list[Point]) -> dict[str, object]:
    return {
        "type": "Feature",
        "properties": {"kind": kind, "name": name, "synthetic": True},
        "geometry": {"type": "LineString", "coordinates": line},
    }


def spanning_tree(points: list[Point]) -> list[tuple[int, int]]:
    """Edges of the minimum spanning tree (Prim)."""
    inside, edges = {0}, []
    while len(inside) < len(points):
        a, b = min(
            ((i, j) for i in inside for j in range(len(points)) if j not in inside),
            key=lambda edge: math.dist(points[edge[0]], points[edge[1]]),
        )
        inside.add(b)
        edges.append((a, b))
    return edges


def main() -> None:
    chooser = random.Random(SEED)
    with (AREAS / "towns.csv").open(encoding="utf-8", newline="") as file:
        towns = list(csv.DictReader(file))
    with (AREAS / "villages.csv").open(encoding="utf-8", newline="") as file:
        villages = [row for row in csv.DictReader(file) if row["county_code"].startswith("140427")]
    points = [(float(row["lon"]), float(row["lat"])) for row in towns]
    features = [
        feature("road", f"{towns[a]['name']}—{towns[b]['name']}", wiggle(points[a], points[b], chooser, 8, 0.002))
        for a, b in spanning_tree(points)
    ]
    sources = [(113.66, 35.98), (113.64, 35.86), (113.45, 35.85)]
    mouths = [(113.18, 36.16), (113.20, 36.02), (113.16, 35.93)]
    rivers = [wiggle(a, b, chooser, 24, 0.006) for a, b in zip(sources, mouths, strict=True)]
    names = ["淅河（示意）", "桑延河（示意）", "陶清河（示意）"]
    features += [feature("river", name, line) for name, line in zip(names, rivers, strict=True)]
    for row in chooser.sample(villages, 40):
        top = (float(row["lon"]), float(row["lat"]))
        foot = min((point for river in rivers for point in river), key=lambda point: math.dist(point, top))
        part = (top[0] + (foot[0] - top[0]) * 0.6, top[1] + (foot[1] - top[1]) * 0.6)
        features.append(feature("gully", f"{row['name'][:3]}沟（示意）", wiggle(top, part, chooser, 6, 0.0015)))
    collection = {"type": "FeatureCollection", "synthetic": True, "features": features}
    (AREAS / "layers.geojson").write_text(json.dumps(collection, ensure_ascii=False), encoding="utf-8")
    print(f"{len(features)} features")


if __name__ == "__main__":
    main()
