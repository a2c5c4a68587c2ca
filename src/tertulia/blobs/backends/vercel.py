"""Blobs in a private Vercel Blob store, over its HTTP API (https://vercel.com/docs/vercel-blob)."""

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from tertulia.blobs.disposition import media_type
from tertulia.blobs.domain import (
    BlobMissingError,
    BlobRef,
    BlobStat,
    BlobStoreError,
    ByteRange,
    Download,
    RangeNotSatisfiableError,
    check_key,
    check_prefix,
    is_key,
)
from tertulia.blobs.intake import Intake, off_loop
from tertulia.kernel.clock import Clock, SystemClock
from tertulia.kernel.errors import StartError, StorageFullError

API_VERSION = "12"
PART_BYTES = 8_388_608
"""Parts are of one size, the last one excepted; 5 MiB is the least the API takes."""
CHUNK_BYTES = 262_144
TRIES = 4
URLS_A_DELETION = 500
KEPT_SECONDS = 31_536_000


class VercelBlobStore:
    """One private store, named by its read-write token."""

    def __init__(
        self,
        token: str,
        *,
        api_url: str = "https://vercel.com/api/blob",
        content_url: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._store_id = _store_id(token)
        self._api_url = api_url.rstrip("/")
        self._content_url = (
            content_url or f"https://{self._store_id}.private.blob.vercel-storage.com"
        )
        self._clock = clock or SystemClock()
        self._http = httpx.AsyncClient(
            headers={
                "authorization": f"Bearer {token}",
                "x-api-version": API_VERSION,
                "x-vercel-blob-store-id": self._store_id,
            },
            timeout=httpx.Timeout(60, connect=10, pool=None),
            follow_redirects=False,
        )

    async def put(
        self,
        key: str,
        stream: AsyncIterator[bytes],
        *,
        content_type: str,
        name: str | None = None,
        max_bytes: int | None = None,
    ) -> BlobRef:
        """A name is not sent: this store makes a file's disposition from its path alone."""
        check_key(key)
        intake = Intake(stream, block_bytes=PART_BYTES, max_bytes=max_bytes)
        headers = {
            "x-vercel-blob-access": "private",
            "x-add-random-suffix": "0",
            "x-allow-overwrite": "0",
            "x-cache-control-max-age": str(KEPT_SECONDS),
            "x-content-type": media_type(content_type),
        }
        bodies = _bodies(intake)
        first = await anext(bodies, b"")
        second = await anext(bodies, None)
        if second is None:
            await self._api("PUT", "/", params={"pathname": key}, headers=headers, content=first)
        else:
            await self._put_parts(key, headers, _chained(first, second, bodies))
        return BlobRef(key, intake.size_bytes, content_type, intake.sha256, name)

    async def _put_parts(
        self, key: str, headers: dict[str, str], bodies: AsyncIterator[bytes]
    ) -> None:
        """Parts that are never completed never become a blob: an upload that breaks off leaves none."""
        begun = await self._mpu(key, {**headers, "x-mpu-action": "create"})
        headers = {
            **headers,
            "x-mpu-key": quote(begun["key"], safe=""),
            "x-mpu-upload-id": begun["uploadId"],
        }
        parts: list[dict[str, Any]] = []
        async for body in bodies:
            number = len(parts) + 1
            told = {**headers, "x-mpu-action": "upload", "x-mpu-part-number": str(number)}
            done = await self._mpu(key, told, content=body)
            parts.append({"partNumber": number, "etag": done["etag"]})
        finish = {**headers, "x-mpu-action": "complete", "content-type": "application/json"}
        await self._mpu(key, finish, content=json.dumps(parts).encode())

    async def open(self, key: str, byte_range: ByteRange | None = None) -> Download:
        check_key(key)
        headers = {"accept-encoding": "identity"}
        if byte_range:
            headers["range"] = _range_header(byte_range)
        response = await self._sent("GET", self._content(key), headers=headers, stream=True)
        try:
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise RangeNotSatisfiableError((await self.stat(key)).size_bytes)
            await self._refused(response)
            length = int(response.headers["content-length"])
            if response.status_code != httpx.codes.PARTIAL_CONTENT:
                offset, wanted = byte_range.resolve(length) if byte_range else (0, length)
                return Download(length, offset, wanted, _cut(_chunks(response), offset, wanted))
            place, _, size = response.headers["content-range"].removeprefix("bytes ").partition("/")
            offset = int(place.split("-")[0])
            return Download(int(size), offset, length, _chunks(response))
        except BaseException:
            await response.aclose()
            raise

    async def stat(self, key: str) -> BlobStat:
        found = await self._api("GET", "/", params={"url": self._content(check_key(key))})
        return BlobStat(key, found["size"], datetime.fromisoformat(found["uploadedAt"]))

    async def delete(self, *keys: str) -> None:
        urls = [self._content(check_key(key)) for key in keys]
        for start in range(0, len(urls), URLS_A_DELETION):
            await self._api("POST", "/delete", json={"urls": urls[start : start + URLS_A_DELETION]})

    async def list(self, prefix: str = "") -> AsyncIterator[BlobStat]:
        prefix = check_prefix(prefix)
        params = {"limit": "1000", **({"prefix": f"{prefix}/"} if prefix else {})}
        while True:
            page = await self._api("GET", "/", params=params)
            for found in page["blobs"]:
                if is_key(found["pathname"]):
                    at = datetime.fromisoformat(found["uploadedAt"])
                    yield BlobStat(found["pathname"], found["size"], at)
            if not page["hasMore"]:
                return
            params["cursor"] = page["cursor"]

    async def delete_prefix(self, prefix: str) -> int:
        prefix = check_prefix(prefix, empty=False)
        keys = [found.key async for found in self.list(prefix)]
        await self.delete(*keys)
        return len(keys)

    async def copy(self, source: str, target: str) -> None:
        params = {"pathname": check_key(target), "fromUrl": self._content(check_key(source))}
        headers = {"x-vercel-blob-access": "private", "x-add-random-suffix": "0"}
        await self._api("PUT", "/", params=params, headers=headers)

    async def url(self, key: str, *, seconds: int = 300) -> str | None:
        until = int(self._clock.now().timestamp() * 1000) + seconds * 1000
        body = {"pathname": check_key(key), "operations": ["get"], "validUntil": until}
        issued = await self._api("POST", "/signed-token", json=body)
        delegation = issued["delegationToken"]
        told = {}
        if (ceiling := _valid_until(delegation)) is None or until < ceiling:
            told["vercel-blob-valid-until"] = str(until)
        lines = ["operation=get", f"pathname={key}", *(f"{k}={v}" for k, v in told.items())]
        signature = hmac.digest(
            issued["clientSigningToken"].encode(), "\n".join(sorted(lines)).encode(), "sha256"
        )
        told["vercel-blob-delegation"] = delegation
        told["vercel-blob-signature"] = base64.urlsafe_b64encode(signature).decode().rstrip("=")
        return f"{self._content(key)}?{urlencode(told)}"

    async def sweep_unfinished(self, before: datetime) -> int:
        """Nothing to do here: Vercel drops the parts of uploads that are never completed."""
        return 0

    async def check(self) -> None:
        await self._api("GET", "/", params={"limit": "1"})

    async def close(self) -> None:
        await self._http.aclose()

    def _content(self, key: str) -> str:
        return f"{self._content_url}/{key}"

    async def _mpu(self, key: str, headers: dict[str, str], content: bytes = b"") -> Any:
        return await self._api(
            "POST", "/mpu", params={"pathname": key}, headers=headers, content=content
        )

    async def _api(self, method: str, path: str, **request: Any) -> Any:
        response = await self._sent(method, self._api_url + path, **request)
        await self._refused(response)
        return response.json() if response.content else {}

    async def _sent(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
        **request: Any,
    ) -> httpx.Response:
        """Sends it, and again after a moment when the network or the service failed."""
        request_id = f"{self._store_id}:{secrets.token_hex(8)}"
        for attempt in range(TRIES):
            told = {
                **(headers or {}),
                "x-api-blob-request-id": request_id,
                "x-api-blob-request-attempt": str(attempt),
            }
            last = attempt == TRIES - 1
            try:
                response = await self._http.send(
                    self._http.build_request(method, url, headers=told, **request), stream=stream
                )
            except httpx.TransportError:
                if last:
                    raise BlobStoreError(
                        "Vercel Blob does not answer. Check TERTULIA_VERCEL_BLOB_URL and the network."
                    ) from None
            else:
                if response.status_code < 500 or last:
                    return response
                await response.aclose()
            await self._clock.sleep(0.2 * 2**attempt + secrets.randbelow(100) / 1000)
        raise AssertionError("unreachable")

    async def _refused(self, response: httpx.Response) -> None:
        if response.is_success:
            return
        await response.aread()
        code = ""
        with suppress(ValueError, AttributeError, KeyError):
            code = response.json()["error"]["code"]
        if response.status_code == httpx.codes.NOT_FOUND and code != "store_not_found":
            raise BlobMissingError("The file is not in the store. Restore it there.")
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            wait = response.headers.get("retry-after", "")
            raise BlobStoreError(
                "Vercel Blob asks us to wait. Try again later.",
                retry_after_seconds=int(wait) if wait.isdigit() else 30,
            )
        if response.status_code in (402, 507):
            raise StorageFullError(
                "The Vercel Blob store has no room left. Raise its plan's limit."
            )
        if response.status_code in (401, 403) or code in ("store_not_found", "store_suspended"):
            raise BlobStoreError(
                "Vercel Blob refuses our token. Check TERTULIA_VERCEL_BLOB_TOKEN, and that its store is a "
                "private one that is not suspended.",
                retry_after_seconds=60,
            )
        raise BlobStoreError(f"Vercel Blob failed ({response.status_code}). Try again in a moment.")


def _store_id(token: str) -> str:
    parts = token.split("_")
    if len(parts) < 5 or parts[:3] != ["vercel", "blob", "rw"] or not parts[3].isalnum():
        raise StartError(
            "TERTULIA_VERCEL_BLOB_TOKEN is not a read-write token: it starts with vercel_blob_rw_. "
            "Copy it from the store's page at Vercel."
        )
    return parts[3].lower()


def _valid_until(delegation: str) -> int | None:
    """Until when the delegation itself holds, from its readable half."""
    payload = delegation.partition(".")[0]
    try:
        scope = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return int(scope["validUntil"])
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None


def _range_header(asked: ByteRange) -> str:
    if asked.suffix is not None:
        return f"bytes=-{asked.suffix}"
    return f"bytes={asked.first or 0}-{'' if asked.last is None else asked.last}"


async def _bodies(intake: Intake) -> AsyncIterator[bytes]:
    async for pieces in intake.blocks():
        yield await off_loop(None, intake.joined, pieces)


async def _chained(first: bytes, second: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    yield second
    async for body in rest:
        yield body


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_raw(CHUNK_BYTES):
            yield chunk
    except httpx.TransportError:
        raise BlobStoreError("Vercel Blob broke off in the middle of a file. Try again.") from None
    finally:
        await response.aclose()


async def _cut(chunks: AsyncIterator[bytes], offset: int, length: int) -> AsyncIterator[bytes]:
    """The part that was asked for, from a server that sent the whole."""
    async for chunk in chunks:
        part = chunk[offset : offset + length]
        offset = max(0, offset - len(chunk))
        length -= len(part)
        if part:
            yield part
        if not length:
            return
