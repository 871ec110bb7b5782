"""The seal: what is hashed, in which form. Pure, so that a verifier elsewhere can repeat it."""

import hashlib
import json
from collections.abc import Mapping

GENESIS = ""


def seal(previous: str, line: Mapping[str, object]) -> str:
    """Hash of one sealed line: SHA-256 over the previous hash and the line as canonical JSON. Hex, 64 characters."""
    text = json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()
