"""A receiver of Standard Webhooks: an ASGI app that checks signatures with the library receivers use."""

import asyncio
import contextlib
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

Send = Callable[[MutableMapping[str, Any]], Any]


@dataclass(frozen=True)
class Received:
    """One request, and whose secrets its signature fits."""

    path: str
    headers: dict[str, str]
    body: bytes
    verified_by: tuple[str, ...]

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class WebhookReceiver:
    """Answers with the statuses it was told, in order, and with the last one from then on."""

    secrets: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=lambda: [204])
    received: list[Received] = field(default_factory=list)
    location: str = "/elsewhere"
    body: bytes = b""
    hangs: bool = False
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        fits = tuple(s for s in self.secrets if _fits(s, body, headers))
        self.received.append(Received(scope["path"], headers, body, fits))
        self.heard.set()
        if self.hangs:
            await receive()
            return
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        extra = [(b"location", self.location.encode())] if 300 <= status < 400 else []
        await send({"type": "http.response.start", "status": status, "headers": extra})
        with contextlib.suppress(OSError):
            await send({"type": "http.response.body", "body": b"" if status == 204 else self.body})


def _fits(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True
