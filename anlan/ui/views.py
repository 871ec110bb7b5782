"""The few addresses of the frame itself."""

from django.http import HttpRequest, JsonResponse

from anlan.ui.context import clock_rate, site_clock


def clock(request: HttpRequest) -> JsonResponse:
    """The site's time (Unix ms) and how many site seconds a real second lasts, for the browser's ticking."""
    answer = JsonResponse({"now": int(site_clock().now().timestamp() * 1000), "rate": clock_rate()})
    answer["Cache-Control"] = "no-store"
    return answer
