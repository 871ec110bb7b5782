"""Device protocols. Each is one folder beside this file; the registry finds them and refuses duplicates at import."""

import importlib
import pkgutil

from anlan.kernel.registry import Registry
from anlan.links.protocols.contract import Manifest

PROTOCOLS: Registry[Manifest] = Registry("protocol")

for _module in pkgutil.iter_modules(__path__):
    if _module.ispkg and _module.name != "tests":
        _manifest: Manifest = importlib.import_module(f"{__name__}.{_module.name}.manifest").MANIFEST
        PROTOCOLS.add(_manifest.name, _manifest)
