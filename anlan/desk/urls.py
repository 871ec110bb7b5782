"""Addresses of the desk."""

from django.urls import path, re_path

from . import views, views_curves, views_map, views_place, views_search

urlpatterns = [
    path("desk/", views.duty, name="duty"),
    path("desk/part", views.duty_part, name="duty-part"),
    path("map/", views_map.map_page, name="map"),
    path("map/panel", views_map.map_panel, name="map-panel"),
    path("map/layers/<slug:key>", views_map.map_layer, name="map-layer"),
    path("places/<str:code>/rain", views_place.place_rain, name="place-rain"),
    path("places/<str:code>/curve", views_curves.place_curve, name="place-curve"),
    path("charts/compare", views_curves.compare, name="compare"),
    path("places/<str:code>/alarms", views_place.place_alarms, name="place-alarms"),
    path("search", views_search.search, name="search"),
    path("incidents/", views.incident_list, name="incident-list"),
    path("incidents/<str:number>/", views.incident, name="incident"),
    path("incidents/<str:number>/part", views.incident_part, name="incident-part"),
    path("incidents/<str:number>/close", views.incident_close, name="incident-close"),
    re_path(r"^alarms/(?P<alarm_id>[0-9a-f-]{36})/(?P<act>acknowledge|clear)$", views.alarm_act, name="alarm-act"),
    path("calls/", views.call_list, name="call-list"),
    path("calls/<str:number>/", views.call_board, name="call-board"),
    path("calls/<str:number>/part", views.call_board_part, name="call-board-part"),
    path("calls/<str:number>/cancel", views.campaign_cancel, name="campaign-cancel"),
    re_path(
        r"^call/(?P<call_id>[0-9a-f-]{36})/(?P<act>escalate|door|redial|reached|unreachable)$",
        views.call_act,
        name="call-act",
    ),
]
