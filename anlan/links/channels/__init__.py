"""Channels: one folder per way to a person's ear or eye. A folder with a `MANIFEST` and an `open_channel` is a channel.

The registry is closed: it is filled by looking at the folders once, and two folders of one name are refused.
"""

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache

from anlan.kernel.channels import Channel, Manifest
from anlan.kernel.registry import Registry

Opener = Callable[[str, str], Channel]


@cache
def manifests() -> Registry[tuple[Manifest, Opener]]:
    """All channels that this program has, by name: what each can do, and how to open it (address, secret)."""
    found: Registry[tuple[Manifest, Opener]] = Registry("channel")
    for info in pkgutil.iter_modules(__path__):
        if info.ispkg and info.name != "tests":
            module = importlib.import_module(f"{__name__}.{info.name}")
            found.add(module.MANIFEST.name, (module.MANIFEST, module.open_channel))
    return found


def open_channel(name: str, url: str, secret: str) -> Channel:
    """Open the channel `name` at its peer's address. Raises KeyError naming the known ones."""
    _, opener = manifests()[name]
    return opener(url, secret)
