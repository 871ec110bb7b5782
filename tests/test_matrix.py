"""Pages × roles: who may open what. A refused page is 403 with words, never a blank and never a redirect loop."""

import pytest
from django.test import Client

from tests.cast import Cast

pytestmark = pytest.mark.django_db(databases="__all__")
PAGES = (
    "/desk/",
    "/incidents/",
    "/calls/",
    "/work/",
    "/places/",
    "/places/WX1/",
    "/places/WX2/",
    "/people/",
    "/journal/",
    "/map/",
    "/devices/",
    "/devices/unknown",
    "/rules/",
    "/rules/gauge-rain/",
    "/rules/gauge-rain/edit",
)
MATRIX = {
    #             desk incid calls work places WX1 WX2 people journal map devices unknown rules rule edit
    "zhiban":    (200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 403),
    "zhihui":    (200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 403, 200, 200, 200),
    "shipo":     (200, 200, 200, 200, 200, 200, 404, 200, 403, 200, 200, 403, 200, 200, 403),
    "dianshang": (200, 200, 200, 200, 200, 404, 200, 200, 403, 200, 200, 403, 200, 200, 403),
    "cunzhang":  (403, 200, 403, 200, 200, 200, 404, 403, 403, 200, 200, 403, 403, 403, 403),
    "guanli":    (403, 403, 403, 200, 200, 200, 200, 200, 403, 200, 200, 200, 200, 200, 200),
    "shenji":    (403, 403, 403, 200, 403, 403, 403, 403, 200, 403, 403, 403, 403, 403, 403),
}  # fmt: skip


@pytest.mark.parametrize("username", MATRIX)
def test_each_role_opens_its_pages_and_no_others(cast: Cast, username: str) -> None:
    client = Client()
    client.force_login(cast.accounts[username])
    assert tuple(client.get(page).status_code for page in PAGES) == MATRIX[username]


def test_without_a_login_every_page_leads_to_the_login(cast: Cast) -> None:
    for page in PAGES:
        answer = Client().get(page)
        assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/login")


def test_a_get_never_changes_anything(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.accounts["zhiban"])
    for page in ("/demo/start", "/demo/reset", "/demo/speed"):
        assert client.get(page).status_code == 405
