"""Addresses of tasks."""

from django.urls import path, re_path

from . import views

urlpatterns = [
    path("work/", views.my_work, name="my-work"),
    path("work/part", views.my_work_part, name="my-work-part"),
    path("tasks/<uuid:task_id>/", views.task_page, name="task"),
    path("tasks/<uuid:task_id>/evidence", views.add_evidence, name="task-evidence"),
    re_path(
        r"^tasks/(?P<task_id>[0-9a-f-]{36})/(?P<act>accept|submit|verify|send_back|cancel)$",
        views.task_act,
        name="task-act",
    ),
    path("evidence/<uuid:evidence_id>", views.evidence_file, name="evidence-file"),
]
