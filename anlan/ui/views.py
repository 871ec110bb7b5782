"""The few addresses of the frame itself."""

from django.http import HttpRequest, JsonResponse

from anlan.ui.context import clock_rate, site_clock
from anlan.ui.navigation import links
from anlan.ui.requests import ActorRequest, page


def clock(request: HttpRequest) -> JsonResponse:
    """The site's time (Unix ms) and how many site seconds a real second lasts, for the browser's ticking."""
    answer = JsonResponse({"now": int(site_clock().now().timestamp() * 1000), "rate": clock_rate()})
    answer["Cache-Control"] = "no-store"
    return answer


@page(None)
def counts(request: ActorRequest) -> JsonResponse:
    """The figures of the navigation by address, {"/desk/": [23, true]}: number, and whether something is late."""
    drawn = [link for _item, link in links(request.actor, request.now, "")]
    answer = JsonResponse({link.url: [link.count.number, link.count.hot] for link in drawn if link.count})
    answer["Cache-Control"] = "no-store"
    return answer
