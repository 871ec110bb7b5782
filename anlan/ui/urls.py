from django.urls import path

from anlan.ui import views

urlpatterns = [path("clock", views.clock, name="clock"), path("counts", views.counts, name="counts")]
