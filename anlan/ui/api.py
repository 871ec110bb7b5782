"""What the API's operations share: strict parameters, lists in pages, the shape of a refusal.

Never: a table or a permission; an operation parses, asks one query or one command, and answers with a schema.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from math import ceil
from typing import Annotated, Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from ninja import Router, Schema
from ninja.signature import ViewSignature
from pydantic import AfterValidator, ConfigDict, Field

from anlan.kernel.errors import Invalid

M = TypeVar("M", bound=Model)
T = TypeVar("T")
REFUSALS = frozenset({401, 403, 404, 409, 422})
"""The statuses that a Problem comes with; named in each operation's `response`."""


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("time without zone; expected ISO 8601 such as 2026-07-21T02:47:00+08:00")
    return moment


Moment = Annotated[datetime, AfterValidator(_aware)]
"""A moment that a client gives: ISO 8601 and never without its zone."""


class Problem(Schema):
    """Why nothing was done."""

    code: str = Field(description="stable and dotted, for programs: calls.stage, invalid.reason")
    message: str = Field(description="for people, in the language of the request")
    hint: str = Field(default="", description="what to do instead")
    field: str = Field(default="", description="the parameter or body field that was wrong, if it was one")


class Body(Schema):
    """A request body; a field it does not know is refused."""

    model_config = ConfigDict(extra="forbid")


class ListQuery(Schema):
    """Which part of a list is asked for."""

    sort: str = Field("", description="name of a field to order by, with - in front for descending")
    page: int = Field(1, ge=1, description="number of the page, from 1; beyond the last one the last is given")
    size: int = Field(50, ge=1, le=200, description="items a page")


class Paged(Schema, Generic[T]):
    """A part of a list, with the size of the whole."""

    items: list[T]
    total: int = Field(description="items in all pages")
    page: int
    pages: int = Field(ge=1)


def listed(
    queryset: QuerySet[M], query: ListQuery, out: Callable[[M], T], *, sorts: Mapping[str, str], order: Sequence[str]
) -> Paged[T]:
    """The asked page of a queryset that has passed `visible_to`. sorts: public name → field; order: without a wish.

    Raises Invalid for an order that is not offered.
    """
    name = query.sort.removeprefix("-")
    if name and name not in sorts:
        raise Invalid("sort", _("不能按“%(name)s”排序") % {"name": name}, "、".join(sorts))
    wanted = [("-" if query.sort.startswith("-") else "") + sorts[name]] if name else list(order)
    ordered = queryset.order_by(*wanted, "pk")
    total = ordered.count()
    pages = max(ceil(total / query.size), 1)
    page = min(query.page, pages)
    start = (page - 1) * query.size
    items = [out(record) for record in ordered[start : start + query.size]]
    return Paged(items=items, total=total, page=page, pages=pages)


class StrictRouter(Router):
    """A router whose operations refuse a query parameter that they do not take, and say which they do."""

    def add_api_operation(self, path: str, methods: list[str], view_func: Callable[..., Any], **options: Any) -> None:
        super().add_api_operation(path, methods, _strict(path, view_func), **options)


def _strict(path: str, view: Callable[..., Any]) -> Callable[..., Any]:
    known = {
        name
        for model in ViewSignature(path, view).models
        if model.__ninja_param_source__ == "query"
        for name in getattr(model, "__ninja_flatten_map__", {})
    }

    @wraps(view)
    def run(request: Any, *args: Any, **kwargs: Any) -> Any:
        for key in request.GET:
            if key not in known:
                names = "、".join(sorted(known)) or _("无")
                raise Invalid(key, _("没有参数“%(key)s”") % {"key": key}, _("可用：%(names)s") % {"names": names})
        return view(request, *args, **kwargs)

    return run
