"""The ear of the voice channel."""

import time

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from anlan.kernel.actor import system_actor
from anlan.kernel.channels import BadSignature, ChannelError
from anlan.ui.context import site_clock

from .dialling import record_receipts
from .ports import channel


@csrf_exempt
@require_POST
def voice_hook(request: HttpRequest) -> HttpResponse:
    """Signed receipts; 200 only after they are stored."""
    voice = channel("voice")
    if voice is None:
        return HttpResponse("no voice channel", status=503)
    try:
        receipts = voice.read_hook(request.get_full_path(), request.headers, request.body, unix=time.time())
    except BadSignature:
        return HttpResponse("bad signature", status=401)
    except ChannelError as error:
        return HttpResponse(str(error), status=400)
    record_receipts(system_actor("voice", settings.CONFIG.mode), receipts, now=site_clock().now())
    return HttpResponse("ok")


urlpatterns = [path("hooks/voice", voice_hook, name="voice-hook")]
