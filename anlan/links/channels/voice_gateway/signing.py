"""The signature of docs/voice-gateway.md §3: HMAC-SHA256 over time, method, target and body, with a replay window.

Real time of the machine, never the site's clock: a demo that runs fast must not open the window wider.
"""

import hashlib
import hmac
from collections.abc import Mapping

from anlan.kernel.channels import BadSignature

TIMESTAMP = "X-Voice-Timestamp"
SIGNATURE = "X-Voice-Signature"
WINDOW_S = 300


def _mac(secret: str, timestamp: str, method: str, target: str, body: bytes) -> str:
    head = f"{timestamp}\n{method.upper()}\n{target}\n".encode()
    return "v1=" + hmac.new(secret.encode(), head + body, hashlib.sha256).hexdigest()


def sign(secret: str, method: str, target: str, body: bytes, *, unix: float) -> dict[str, str]:
    """Headers that prove the request. target: path with query as the receiver sees it. unix: seconds."""
    timestamp = str(int(unix))
    return {TIMESTAMP: timestamp, SIGNATURE: _mac(secret, timestamp, method, target, body)}


def verify(secret: str, method: str, target: str, headers: Mapping[str, str], body: bytes, *, unix: float) -> None:
    """Raises BadSignature when a header is missing, the time is more than WINDOW_S away or the MAC differs."""
    lowered = {name.lower(): value for name, value in headers.items()}
    timestamp, signature = lowered.get(TIMESTAMP.lower(), ""), lowered.get(SIGNATURE.lower(), "")
    if not secret:
        raise BadSignature("no shared secret is set")
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise BadSignature("no usable timestamp")
    if abs(unix - int(timestamp)) > WINDOW_S:
        raise BadSignature(f"timestamp more than {WINDOW_S} s away")
    expected = _mac(secret, timestamp, method, target, body)
    if not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
        raise BadSignature("signature differs")
