"""Addresses of sensing."""

from django.urls import path

from . import views, views_charts, views_devices, views_health, views_manual, views_tokens

urlpatterns = [
    path("charts/export", views_charts.export, name="chart-export"),
    path("devices/<uuid:device_id>/curves", views_charts.device_curves, name="device-curves"),
    path("devices/", views.device_list, name="devices"),
    path("devices/abnormal", views_health.abnormal, name="devices-abnormal"),
    path("devices/<uuid:device_id>/series", views_health.device_series, name="device-series"),
    path("devices/new", views_devices.device_new, name="device-new"),
    path("devices/unknown", views.unknown_list, name="devices-unknown"),
    path("devices/unknown/<int:number>", views_devices.unknown_page, name="device-unknown"),
    path("devices/unknown/<int:number>/<slug:act>", views_devices.unknown_act, name="device-unknown-act"),
    path("devices/attachments/<uuid:attachment_id>", views_devices.attachment, name="device-attachment"),
    path("devices/<uuid:device_id>", views_devices.device_page, name="device"),
    path("devices/<uuid:device_id>/ask", views_devices.ask, name="device-ask"),
    path("manual/", views_manual.batches, name="manual"),
    path("manual/template", views_manual.template, name="manual-template"),
    path("manual/<uuid:batch_id>", views_manual.batch_page, name="manual-batch"),
    path("manual/<uuid:batch_id>/faults", views_manual.faults, name="manual-faults"),
    path("manual/<uuid:batch_id>/<slug:act>", views_manual.act, name="manual-act"),
    path("devices/<uuid:device_id>/tokens", views_tokens.issue, name="device-token"),
    path("devices/<uuid:device_id>/tokens/<uuid:token_id>/revoke", views_tokens.revoke, name="device-token-revoke"),
    path("devices/<uuid:device_id>/<slug:act>", views_devices.device_act, name="device-act"),
]
