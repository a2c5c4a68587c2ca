"""One try of one delivery over HTTP."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import httpx

import tertulia
from tertulia.kernel.clock import Clock
from tertulia.kernel.outbound import OutboundRefusedError, UnknownHostError
from tertulia.webhooks.domain import Attempt, Failure, signed_headers

MAX_RESPONSE_BYTES = 4_096
"""Of the answer's body; what is in it interests nobody, but a connection can be used again once it is read."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent where."""

    url: str
    secrets: list[str] = field(repr=False)
    event_id: UUID
    body: str


class Sender:
    """Sends signed bodies through a guarded client, within a time that counts for everything together."""

    def __init__(self, client: httpx.AsyncClient, clock: Clock, *, timeout_seconds: float) -> None:
        self._client = client
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    async def send(self, letter: Letter) -> Attempt:
        """Never raises for what the other side does."""
        at, started = self._clock.now(), self._clock.monotonic()
        status, failure = await self._try(letter, at)
        elapsed_ms = round((self._clock.monotonic() - started) * 1000)
        return Attempt(at=at, duration_ms=elapsed_ms, response_status=status, failure=failure)

    async def close(self) -> None:
        await self._client.aclose()

    async def _try(self, letter: Letter, at: datetime) -> tuple[int | None, Failure | None]:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                status = await self._post(letter, at)
        except (TimeoutError, httpx.TimeoutException):
            return None, Failure.TIMEOUT
        except OutboundRefusedError:
            return None, Failure.REFUSED
        except UnknownHostError:
            return None, Failure.UNKNOWN_HOST
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            return None, Failure.CONNECTION
        if 200 <= status < 300:
            return status, None
        return status, Failure.REDIRECT if 300 <= status < 400 else Failure.STATUS

    async def _post(self, letter: Letter, at: datetime) -> int:
        headers = {
            **signed_headers(letter.secrets, letter.event_id, letter.body, at),
            "Content-Type": "application/json",
            "User-Agent": f"Tertulia/{tertulia.__version__}",
            "Accept-Encoding": "identity",
        }
        async with self._client.stream(
            "POST", letter.url, content=letter.body.encode(), headers=headers
        ) as response:
            read = 0
            async for part in response.aiter_raw():
                read += len(part)
                if read >= MAX_RESPONSE_BYTES:
                    break
            return response.status_code
