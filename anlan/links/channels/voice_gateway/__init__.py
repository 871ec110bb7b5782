"""Voice by a telephone company that speaks the contract of docs/voice-gateway.md over HTTP."""

from anlan.kernel.channels import Channel, Manifest
from anlan.links.channels.voice_gateway.client import VoiceGateway

MANIFEST = Manifest(
    name="voice",
    title="电话",
    speaks=True,
    hears_keys=True,
    reports_progress=True,
    polls=True,
    cancels=True,
)


def open_channel(url: str, secret: str) -> Channel:
    """url: base address of the gateway; secret: shared, signs both directions."""
    return VoiceGateway(url, secret, MANIFEST)
