"""Addresses of sensing."""

from django.urls import path

from . import views, views_charts

urlpatterns = [
    path("charts/export", views_charts.export, name="chart-export"),
    path("devices/<uuid:device_id>/curves", views_charts.device_curves, name="device-curves"),
    path("devices/", views.device_list, name="devices"),
    path("devices/unknown", views.unknown_list, name="devices-unknown"),
]
