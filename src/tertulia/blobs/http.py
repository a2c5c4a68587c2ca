"""A blob as an HTTP answer: ranges, validators, and headers that keep a browser from running it."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

from starlette.responses import Response, StreamingResponse

from tertulia.blobs.disposition import content_disposition, media_type, playable_type
from tertulia.blobs.domain import BlobRef, BlobStore, ByteRange, Download

_RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})", re.ASCII)


async def blob_response(
    store: BlobStore,
    ref: BlobRef,
    request_headers: Mapping[str, str],
    filename: str | None = None,
    *,
    method: str = "GET",
    download: bool = False,
) -> Response:
    """Answers GET or HEAD for `ref`; `request_headers` must find names in small letters, as Starlette's do."""
    etag = f'"{ref.sha256}"'
    name = filename or ref.name
    content_type = playable_type(ref.content_type, name)
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": content_disposition(name, content_type, download=download),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; media-src 'self'; sandbox",
    }
    if _matches(request_headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    asked = parse_range(request_headers.get("range"))
    if asked and not _still_the_same(request_headers.get("if-range"), etag):
        asked = None
    headers["Content-Type"] = _served_type(content_type)
    if method == "HEAD":
        # RFC 9110: Range means nothing to HEAD.
        headers["Content-Length"] = str((await store.stat(ref.key)).size_bytes)
        return Response(headers=headers)
    opened = await store.open(ref.key, asked)
    headers["Content-Length"] = str(opened.length)
    if asked:
        last = opened.offset + opened.length - 1
        headers["Content-Range"] = f"bytes {opened.offset}-{last}/{opened.size_bytes}"
    return StreamingResponse(_body(opened), status_code=206 if asked else 200, headers=headers)


def parse_range(header: str | None) -> ByteRange | None:
    """One range; several, other units and nonsense are left out, as RFC 9110 lets a server do."""
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None:
        return None
    first, last = found.groups()
    if first:
        if last and int(last) < int(first):
            return None
        return ByteRange(first=int(first), last=int(last) if last else None)
    return ByteRange(suffix=int(last)) if last else None


def _served_type(content_type: str) -> str:
    served = media_type(content_type)
    return f"{served}; charset=utf-8" if served == "text/plain" else served


def _matches(header: str | None, etag: str) -> bool:
    """If-None-Match compares weakly: a proxy that compressed the answer may have marked our tag `W/`."""
    if not header:
        return False
    if header.strip() == "*":
        return True
    return etag in [tag.strip().removeprefix("W/") for tag in header.split(",")]


def _still_the_same(if_range: str | None, etag: str) -> bool:
    """If-Range compares strongly; a date is never equal, because blobs are named by their content."""
    return if_range is None or if_range.strip() == etag


async def _body(opened: Download) -> AsyncIterator[bytes]:
    async with aclosing(opened.chunks):  # type: ignore[type-var]
        async for chunk in opened.chunks:
            yield chunk
