"""The way out that the site wires in: one open channel. The slice itself knows no provider."""

from anlan.kernel.channels import Channel

_channels: dict[str, Channel] = {}


def use(channel: Channel) -> None:
    """Called once by the site's wiring."""
    _channels[channel.manifest.name] = channel


def channel(name: str) -> Channel | None:
    return _channels.get(name)
