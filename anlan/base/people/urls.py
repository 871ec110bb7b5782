from django.urls import path

from . import views

urlpatterns = [
    path("login", views.log_in, name="login"),
    path("logout", views.log_out, name="logout"),
    path("people/place/<str:code>", views.place_people, name="place-people"),
    path("people/", views.people_list, name="people-list"),
]
