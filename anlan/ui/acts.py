"""How a page answers a button: on success it goes on, on refusal it shows the message, the hint and the status.

Never: a command's decision. A view parses, calls one command and hands the outcome to `done`.
"""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from anlan.kernel.errors import Refused


def done(request: HttpRequest, url: str, message: str = "") -> HttpResponse:
    """After a command: go to `url`, or to the form's own `next` when it is an address of this site."""
    wanted = request.POST.get("next", "")
    if wanted and url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        url = wanted
    if message:
        messages.success(request, message)
    if request.headers.get("HX-Request"):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = url
        return response
    return HttpResponseRedirect(url)


def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    """The refusal as a note; a whole page, or for htmx just the note in the page's message place."""
    context = {"error": error}
    if request.headers.get("HX-Request"):
        response = render(request, "ui/refused_note.html", context, status=error.status)
        response["HX-Retarget"] = "#messages"
        response["HX-Reswap"] = "innerHTML show:window:top"
        return response
    return render(request, "ui/refused.html", context, status=error.status)


class RefusedMiddleware:
    """Turns a Refused that a view let through into its page, with its own status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return refused(request, error) if isinstance(error, Refused) else None
