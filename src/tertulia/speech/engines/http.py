"""What every vendor reached by HTTP shares: its refusals as engine errors that quote nothing."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from tertulia.speech.engines.errors import (
    EngineError,
    EngineTimeoutError,
    EngineUnavailableError,
)

CONNECT_SECONDS = 10.0


def client(headers: Mapping[str, str]) -> httpx.AsyncClient:
    """A client that waits for answers as long as the engine's own patience lasts, and follows no redirect."""
    timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
    return httpx.AsyncClient(headers=dict(headers), timeout=timeout, follow_redirects=False)


@contextmanager
def reached(engine: str) -> Iterator[None]:
    """Goes round a request: what the network does wrong becomes an engine error that may be tried again."""
    try:
        yield
    except httpx.TimeoutException:
        raise EngineTimeoutError(
            f"{engine} did not answer in time. Check its address.", retryable=True
        ) from None
    except httpx.HTTPError as error:
        raise EngineUnavailableError(
            f"{engine} cannot be reached ({type(error).__name__}). Check its address and that it runs.",
            retryable=True,
        ) from None


def require_success(
    engine: str, key_setting: str, response: httpx.Response, failure: type[EngineError]
) -> None:
    """Turns a refusal into an error; its body is not read."""
    status = response.status_code
    if 200 <= status < 300:
        return
    if status == 429 or status >= 500 or status == 408:
        wait = retry_after_seconds(response.headers)
        why = "has too many requests" if status == 429 else f"answered with status {status}"
        raise failure(f"{engine} {why}. Try again later.", retryable=True, retry_after_seconds=wait)
    if status in {401, 403}:
        raise EngineUnavailableError(f"{engine} refuses the key. Check {key_setting}.")
    if status == 404:
        raise EngineUnavailableError(
            f"{engine} has nothing at this address. Check its address and the model's name."
        )
    if status == 413:
        raise failure(f"The recording is too large for {engine}. Choose another engine.")
    raise failure(f"{engine} refused the request (status {status}). Choose another engine.")


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` as seconds, whether it is written as a number or as a date."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.replace(".", "", 1).isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def fields_of(engine: str, response: httpx.Response, failure: type[EngineError]) -> dict[str, Any]:
    """The JSON object of an answer. Garbage is mostly a proxy's hiccup, so it may be tried again."""
    try:
        value = response.json()
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise failure(
            f"{engine} answered with something that is not understood. Check its address.",
            retryable=True,
        )
    return value
