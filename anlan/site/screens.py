"""What only the site knows and pages show: the demo's accounts."""

from django.conf import settings

from anlan.ui.demo import DEMO_LOGINS, DemoLogin

from .demo.control import LOGINS, PASSWORD

if settings.CONFIG.demo:
    for _login in LOGINS:
        DEMO_LOGINS.add(_login.username, DemoLogin(_login.username, _login.title, PASSWORD))
