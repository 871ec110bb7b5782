"""`anlan new protocol NAME`: a folder that decodes, is tested and passes the checks, to be filled with the real thing.

What is copied is the skeleton beside this file, which is itself code under test. Never: overwriting a folder.
"""

import keyword
import re
import sys
from pathlib import Path

from anlan.links import protocols

SKELETON = Path(__file__).with_name("skeleton")
HERE, NAME = "anlan.site.cli.skeleton", "example"
TAKEN = ("contract", "crc", "tests", "skeleton", "example")


def new_protocol(name: str, parent: Path | None = None) -> int:
    """Make the folder; returns the exit status (2 = the name cannot be used, 1 = something stands there)."""
    parent = parent if parent is not None else Path(protocols.__file__).parent
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,19}", name) or keyword.iskeyword(name) or name in TAKEN:
        sys.stderr.write(f"anlan: {name} 不能作规约名；用 2 到 20 个小写字母、数字、下划线，字母开头\n")
        return 2
    folder = parent / name
    if folder.exists():
        sys.stderr.write(f"anlan: {folder} 已经有了\n")
        return 1
    for source in sorted(SKELETON.rglob("*")):
        if source.suffix in (".py", ".json"):
            target = folder / source.relative_to(SKELETON)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = source.read_text(encoding="utf-8").replace(HERE, f"anlan.links.protocols.{name}")
            target.write_text(re.sub(rf"\b{NAME}\b", name, text), encoding="utf-8")
    print(f"{folder}：\n  codec.py 一条报文怎么读\n  report.py 变成数据和应答\n  tests/captures.json 换成真实报文")
    print(f"试一下：python -m pytest {folder}")
    return 0
