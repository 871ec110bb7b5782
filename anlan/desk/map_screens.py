"""The map in the navigation, the alarms as its layer, and the desk's cards on a place's page."""

from anlan.base.places.cards import PLACE_CARDS, PlaceCard
from anlan.ui.map_layers import MAP_LAYERS, MapLayer
from anlan.ui.navigation import NAVIGATION, NavItem

from .map import alarm_features

NAVIGATION.add("map", NavItem("一张图", "map", "map", "now", 20, "places.read", tab=5))
MAP_LAYERS.add(
    "alarms",
    MapLayer("未关闭警情", "警情", 60, alarm_features, permission="alarms.read", parts=("alarms", "incidents")),
)
PLACE_CARDS.add("rain", PlaceCard("place-rain", "sensing.read", kinds=("danger_area", "rain_gauge"), chart=True))
PLACE_CARDS.add(
    "curve",
    PlaceCard(
        "place-curve", "sensing.read", kinds=("danger_area", "rain_gauge", "river_station", "reservoir"), chart=True
    ),
)
PLACE_CARDS.add("alarms", PlaceCard("place-alarms", "alarms.read"))
