"""Blobs in any S3-compatible bucket, through obstore (Rust): the bytes never pass Python's event loop twice."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store as Bucket

from tertulia.blobs.disposition import content_disposition
from tertulia.blobs.domain import (
    BlobMissingError,
    BlobRef,
    BlobStat,
    BlobStoreError,
    ByteRange,
    Download,
    check_key,
    check_prefix,
    is_key,
)
from tertulia.blobs.intake import Intake, off_loop

T = TypeVar("T")

PART_BYTES = 8_388_608
PARTS_AT_ONCE = 3
CHUNK_BYTES = 1_048_576
ABORT_SECONDS = 30
_REFUSED = re.compile(r"status code: 40[13]\b")
"""Lists tell their status in their text alone."""


class S3Store:
    """A bucket, or a folder (`prefix`) of one."""

    def __init__(
        self,
        bucket: str,
        *,
        prefix: str = "",
        endpoint: str | None = None,
        region: str = "us-east-1",
        access_key: str | None = None,
        secret_key: str | None = None,
        max_retries: int = 5,
    ) -> None:
        config: dict[str, Any] = {"region": region, "virtual_hosted_style_request": False}
        if endpoint:
            config["endpoint"] = endpoint.rstrip("/")
        if access_key and secret_key:
            config |= {"access_key_id": access_key, "secret_access_key": secret_key}
        self._bucket = Bucket(
            bucket,
            prefix=prefix.strip("/") or None,
            config=config,  # type: ignore[arg-type]
            # A deadline for the whole request would cut a slow download; each read has its own instead.
            client_options={
                "allow_http": bool(endpoint and endpoint.startswith("http://")),
                "connect_timeout": timedelta(seconds=10),
                "read_timeout": timedelta(seconds=60),
                "timeout": timedelta(hours=12),
            },
            retry_config={"max_retries": max_retries, "retry_timeout": timedelta(seconds=60)},
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
        check_key(key)
        intake = Intake(stream, block_bytes=PART_BYTES, max_bytes=max_bytes)
        attributes = {
            "Content-Type": content_type,
            "Content-Disposition": content_disposition(name, content_type),
        }
        blocks = intake.blocks()
        first: list[bytes] = await anext(blocks, [])
        body = await off_loop(None, intake.joined, first)
        if intake.size_bytes < PART_BYTES:
            async for _ in blocks:  # the stream's end may still be an error
                raise AssertionError("a short block is the last one")
            await self._asked(obstore.put_async(self._bucket, key, body, attributes=attributes))
        else:
            await self._put_parts(key, body, blocks, intake, attributes)
        return BlobRef(key, intake.size_bytes, content_type, intake.sha256, name)

    async def _put_parts(
        self,
        key: str,
        first: bytes,
        blocks: AsyncIterator[list[bytes]],
        intake: Intake,
        attributes: dict[str, str],
    ) -> None:
        feed = _Feed()
        upload = asyncio.ensure_future(
            obstore.put_async(
                self._bucket,
                key,
                feed,
                attributes=attributes,
                chunk_size=PART_BYTES,
                max_concurrency=PARTS_AT_ONCE,
            )
        )
        try:
            await feed.give(first, upload)
            async for pieces in blocks:
                await feed.give(await off_loop(None, intake.joined, pieces), upload)
            await feed.give(b"", upload)
            await self._asked(asyncio.shield(upload))
        except BaseException:
            # An error out of the feed makes obstore abort the upload; dropping the call would leave its parts.
            feed.fail()
            await asyncio.wait([upload], timeout=ABORT_SECONDS)
            if not upload.done():
                upload.cancel()
            with suppress(BaseException):
                upload.result()
            raise

    async def open(self, key: str, byte_range: ByteRange | None = None) -> Download:
        check_key(key)
        if byte_range is None:
            found = await self._asked(obstore.get_async(self._bucket, key))
            size = found.meta["size"]
            return Download(size, 0, size, _chunks(found))
        # S3 answers an empty or outlying range with an error that obstore does not name, so it is settled first.
        size = (await self.stat(key)).size_bytes
        offset, length = byte_range.resolve(size)
        found = await self._asked(
            obstore.get_async(self._bucket, key, options={"range": (offset, offset + length)})
        )
        return Download(size, offset, length, _chunks(found))

    async def stat(self, key: str) -> BlobStat:
        found = await self._asked(obstore.head_async(self._bucket, check_key(key)))
        return BlobStat(key, found["size"], found["last_modified"])

    async def delete(self, *keys: str) -> None:
        if keys:
            await self._asked(obstore.delete_async(self._bucket, [check_key(k) for k in keys]))

    async def list(self, prefix: str = "") -> AsyncIterator[BlobStat]:
        pages = obstore.list(self._bucket, check_prefix(prefix) or None, chunk_size=1000)
        try:
            async for page in pages:
                for found in page:
                    if is_key(found["path"]):
                        yield BlobStat(found["path"], found["size"], found["last_modified"])
        except (BaseError, OSError) as error:
            raise _explained(error) from None

    async def delete_prefix(self, prefix: str) -> int:
        prefix = check_prefix(prefix, empty=False)
        keys = [found.key async for found in self.list(prefix)]
        await self.delete(*keys)
        return len(keys)

    async def copy(self, source: str, target: str) -> None:
        await self._asked(obstore.copy_async(self._bucket, check_key(source), check_key(target)))

    async def url(self, key: str, *, seconds: int = 300) -> str | None:
        check_key(key)
        signed: str = await self._asked(
            obstore.sign_async(self._bucket, "GET", key, timedelta(seconds=seconds))
        )
        return signed

    async def sweep_unfinished(self, before: datetime) -> int:
        """Nothing to do here: a bucket's lifecycle rule removes the parts that a killed process leaves."""
        return 0

    async def check(self) -> None:
        async for _ in self.list():
            break

    async def close(self) -> None:
        """The connections belong to Rust and go with the object."""

    async def _asked(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except (BaseError, OSError) as error:
            raise _explained(error) from None


class _Feed:
    """Hands blocks to obstore one by one; what goes wrong here reaches it as the stream's own error."""

    def __init__(self) -> None:
        self._blocks: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=1)
        self._failed = False

    async def give(self, block: bytes, upload: "asyncio.Future[Any]") -> None:
        """Waits until there is room; an upload that has already failed ends the wait with its error."""
        putting = asyncio.ensure_future(self._blocks.put(block))
        try:
            await asyncio.wait([putting, upload], return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not putting.done():
                putting.cancel()
        if upload.done():
            try:
                upload.result()
            except (BaseError, OSError) as error:
                raise _explained(error) from None

    def fail(self) -> None:
        self._failed = True
        while not self._blocks.empty():
            self._blocks.get_nowait()
        self._blocks.put_nowait(None)

    def __aiter__(self) -> "_Feed":
        return self

    async def __anext__(self) -> bytes:
        block = await self._blocks.get()
        if self._failed or block is None:
            raise InterruptedError("the stream broke off")
        if not block:
            raise StopAsyncIteration
        return block


async def _chunks(found: Any) -> AsyncIterator[bytes]:
    try:
        async for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
            yield bytes(chunk)
    except (BaseError, OSError) as error:
        raise _explained(error) from None


def _explained(error: Exception) -> Exception:
    """What obstore says quotes keys and answers, so only the kind of failure is told on."""
    if isinstance(error, FileNotFoundError):
        return BlobMissingError("The file is not in the bucket. Restore it there.")
    refused = isinstance(error, (PermissionDeniedError, UnauthenticatedError))
    if refused or _REFUSED.search(str(error)):
        return BlobStoreError(
            "The bucket refuses our key. Check TERTULIA_S3_ACCESS_KEY, TERTULIA_S3_SECRET_KEY and "
            "what they may do there.",
            retry_after_seconds=60,
        )
    return BlobStoreError(
        "The bucket does not answer as it should. Check TERTULIA_BLOBS, TERTULIA_S3_ENDPOINT and "
        "TERTULIA_S3_REGION, then try again."
    )
