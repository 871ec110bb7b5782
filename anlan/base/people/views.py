"""Login, logout, and the list of posts with who answers for them. Names and phones are masked on every page."""

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from anlan.base.places.queries import area_names, full_name, place, visible_areas
from anlan.kernel.actor import Actor
from anlan.ui.demo import DEMO_LOGINS
from anlan.ui.requests import ActorRequest, page
from anlan.ui.tables import Column, Filter, Table

from .commands import record_login
from .forms import LoginForm
from .models import Account, Person, Post
from .queries import actor_for, answering, responsible_for, search_posts, visible_posts
from .roles import role_title


@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: ActorRequest) -> HttpResponse:
    """Ask for account and password; on a demo site the accounts are offered as chips. 422 on a wrong pair."""
    form = LoginForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        account = authenticate(request, **form.cleaned_data)
        if isinstance(account, Account):
            login(request, account)
            record_login(actor_for(account, request.now), account_id=account.pk, ok=True, now=request.now)
            return HttpResponseRedirect(_wanted(request))
        nobody = Actor(name="nobody", mode=settings.CONFIG.mode)
        known = Account.objects.filter(username=form.cleaned_data["username"]).first()
        record_login(nobody, account_id=known.pk if known else None, ok=False, now=request.now)
        form.add_error(None, _("账号或密码不对"))
    context = {"form": form, "next": request.GET.get("next", ""), "logins": list(DEMO_LOGINS.values())}
    return render(request, "people/login.html", context, status=422 if form.errors else 200)


def _wanted(request: ActorRequest) -> str:
    wanted = request.POST.get("next", "")
    if wanted and url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        return wanted
    return reverse("home")


@require_POST
def log_out(request: ActorRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return HttpResponseRedirect(reverse("login"))


def _words(person: Person | None) -> str | None:
    return f"{person.masked_name} {person.masked_phone}" if person else None


def _table(request: ActorRequest) -> Table[Post]:
    names = area_names()
    posts = visible_posts(request.actor)
    held = [(role, role_title(role)) for role in sorted(posts.order_by().values_list("role", flat=True).distinct())]
    towns = visible_areas(request.actor).filter(level="town").order_by("code").values_list("code", "name")
    return Table(
        columns=[
            Column("title", _("岗位"), lambda p: p.title, sort="title", css="nowrap"),
            Column("role", _("角色"), lambda p: role_title(p.role), sort="role", css="nowrap"),
            Column("area", _("区划"), lambda p: full_name(p.area_code, names), sort="area_code"),
            Column("holder", _("现在由谁负责"), lambda p: _words(answering(p, request.now)[0]), css="nowrap"),
            Column("deputy", _("副职（B 角）"), lambda p: _words(answering(p, request.now)[1]), css="nowrap"),
            Column("superior", _("上级岗位"), lambda p: p.superior.title if p.superior else "—", css="nowrap"),
        ],
        filters=[
            Filter("q", _("搜索"), search_posts, kind="text", placeholder=_("岗位、姓名、拼音首字母")),
            Filter("role", _("角色"), lambda q, v: q.filter(role=v), held),
            Filter("town", _("乡镇"), lambda q, v: q.filter(area_code__startswith=v),
                   [row for row in towns if request.actor.sees_area(row[0])]),
        ],
        order=("area_code", "code"),
        empty=_("没有符合条件的岗位"),
        file_name=_("岗位人员"),
    )  # fmt: skip


@page("people.read")
def people_list(request: ActorRequest) -> HttpResponse:
    """Posts and who answers for them now. Answers 422 for a parameter it does not know."""
    table = _table(request)
    posts = visible_posts(request.actor).select_related("superior")
    posts = posts.prefetch_related("holdings__person", "shifts__person")
    return table.answer(request, posts, "people/list.html")


@page("people.read")
def place_people(request: ActorRequest, code: str) -> HttpResponse:
    """The card of a place: which posts answer for it, who does so now and who deputises, masked."""
    found = place(request.actor, code)
    posts = responsible_for(request.actor, found.area_code, request.now)
    return render(request, "people/place_card.html", {"place": found, "posts": posts})
