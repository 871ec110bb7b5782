from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "anlan.base.people"
    label = "people"
    verbose_name = "岗位人员"
