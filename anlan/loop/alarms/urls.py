"""Addresses of the rules."""

from django.urls import path

from . import views_rules

urlpatterns = [
    path("rules/", views_rules.rule_list, name="rules"),
    path("rules/<slug:key>/", views_rules.rule_page, name="rule"),
    path("rules/<slug:key>/trial", views_rules.rule_trial, name="rule-trial"),
    path("rules/<slug:key>/edit", views_rules.rule_edit, name="rule-edit"),
    path("rules/<slug:key>/undo", views_rules.rule_undo, name="rule-undo"),
]
