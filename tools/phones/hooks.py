"""Signing, checking and sending: the contract's §3 and §5, written from the page and not from Anlan's code."""

import hashlib
import hmac
import json
import time
from collections import defaultdict
from urllib.parse import urlsplit

import httpx

from tools.phones.store import Outgoing, Store

WINDOW_S = 300
_WAITS = (1, 2, 5, 15, 60)
_GIVE_UP_S = 3600


def mac(secret: str, timestamp: str, method: str, target: str, body: bytes) -> str:
    """The signature header's value."""
    head = f"{timestamp}\n{method}\n{target}\n".encode()
    return "v1=" + hmac.new(secret.encode(), head + body, hashlib.sha256).hexdigest()


def genuine(secret: str, method: str, target: str, timestamp: str, signature: str, body: bytes) -> bool:
    """Whether somebody with the secret sent this within the window."""
    if not (timestamp.isascii() and timestamp.isdigit()) or abs(time.time() - int(timestamp)) > WINDOW_S:
        return False
    return hmac.compare_digest(mac(secret, timestamp, method, target, body).encode(), signature.encode())


class Sender:
    """Posts events to their callbacks until a 2xx says that they are stored."""

    def __init__(self, store: Store, secret: str) -> None:
        self._store, self._secret = store, secret
        self._http = httpx.AsyncClient(timeout=5.0, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def send_due(self, limit: int = 200) -> int:
        """One round over all callbacks. Returns how many events were taken."""
        batches: dict[str, list[Outgoing]] = defaultdict(list)
        for item in self._store.outgoing(time.time(), limit):
            batches[item.callback].append(item)
        taken = 0
        for callback, items in batches.items():
            cursors = [item.cursor for item in items]
            if await self._post(callback, items):
                with self._store.change():
                    self._store.delivered(cursors)
                taken += len(items)
                continue
            unix = time.time()
            for item in items:
                old = item.first_try is not None and unix - item.first_try > _GIVE_UP_S
                wait = _WAITS[min(item.tries, len(_WAITS) - 1)]
                with self._store.change():
                    self._store.again([item.cursor], unix=unix, next_try=None if old else unix + wait)
        return taken

    async def _post(self, callback: str, items: list[Outgoing]) -> bool:
        body = json.dumps({"events": [item.body for item in items]}).encode()
        parts = urlsplit(callback)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Voice-Timestamp": timestamp,
            "X-Voice-Signature": mac(self._secret, timestamp, "POST", target, body),
        }
        try:
            response = await self._http.post(callback, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        return response.is_success
