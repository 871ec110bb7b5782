"""The demo bar's acts; there only on a demo site."""

from django.conf import settings
from django.urls import URLPattern, path

from . import views

urlpatterns: list[URLPattern] = (
    [
        path("demo/start", views.start, name="demo-start"),
        path("demo/speed", views.speed, name="demo-speed"),
        path("demo/reset", views.reset, name="demo-reset"),
        path("demo/state", views.state, name="demo-state"),
    ]
    if settings.CONFIG.demo
    else []
)
