"""Addresses of sensing."""

from django.urls import path

from . import views

urlpatterns = [
    path("devices/", views.device_list, name="devices"),
    path("devices/unknown", views.unknown_list, name="devices-unknown"),
]
