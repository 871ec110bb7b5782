from django.urls import path

from . import views

urlpatterns = [
    path("places/", views.place_list, name="place-list"),
    path("places/<str:code>/", views.place_page, name="place"),
]
