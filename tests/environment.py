"""Loaded by pytest before anything of Django: tests never see the settings or the data of a site of yours."""

import atexit
import os
import shutil
import tempfile

KEPT = ("ANLAN_DATABASE_URL",)

for name in [key for key in os.environ if key.startswith("ANLAN_") and key not in KEPT]:
    del os.environ[name]
_folder = tempfile.mkdtemp(prefix="anlan-test-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["ANLAN_DATA"] = _folder
os.environ["ANLAN_DEMO"] = "true"
