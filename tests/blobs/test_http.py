"""A blob as an HTTP answer: ranges and validators as RFC 9110 says, names and types that can do no harm."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.blobs.contract import pattern, put

from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.domain import BlobRef, RangeNotSatisfiableError
from tertulia.blobs.http import blob_response, parse_range

pytestmark = pytest.mark.unit

SIZE = 1000


@pytest.fixture
async def ref(local_store: LocalStore) -> BlobRef:
    return await put(local_store, pattern(SIZE))


@pytest.fixture
async def browser(local_store: LocalStore, ref: BlobRef) -> AsyncIterator[httpx.AsyncClient]:
    async def answer(request: Request) -> Response:
        try:
            return await blob_response(local_store, ref, request.headers, method=request.method)
        except RangeNotSatisfiableError as error:
            return Response(status_code=416, headers=error.headers)

    app = Starlette(routes=[Route("/", answer)])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_the_whole(browser: httpx.AsyncClient, ref: BlobRef) -> None:
    answer = await browser.get("/")
    assert (answer.status_code, answer.content) == (200, pattern(SIZE))
    assert answer.headers["content-length"] == "1000"
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["etag"] == f'"{ref.sha256}"'
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert (
        answer.headers["content-disposition"]
        == "inline; filename=\"cinta.wav\"; filename*=UTF-8''cinta.wav"
    )


async def test_head_tells_all_and_gives_nothing(browser: httpx.AsyncClient) -> None:
    answer = await browser.head("/", headers={"range": "bytes=0-9"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "1000"
    assert answer.headers["content-type"] == "audio/wav"


@pytest.mark.parametrize(
    ("asked", "told", "data"),
    [
        ("bytes=0-9", "bytes 0-9/1000", pattern(SIZE)[:10]),
        ("bytes=990-", "bytes 990-999/1000", pattern(SIZE)[990:]),
        ("bytes=990-99999", "bytes 990-999/1000", pattern(SIZE)[990:]),
        ("bytes=-1", "bytes 999-999/1000", pattern(SIZE)[-1:]),
        ("bytes=-99999", "bytes 0-999/1000", pattern(SIZE)),
        ("bytes = 0 - 0", "bytes 0-0/1000", b"0"),
    ],
)
async def test_a_part(browser: httpx.AsyncClient, asked: str, told: str, data: bytes) -> None:
    answer = await browser.get("/", headers={"range": asked})
    assert (answer.status_code, answer.content) == (206, data)
    assert answer.headers["content-range"] == told
    assert answer.headers["content-length"] == str(len(data))


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=1000-2000", "bytes=-0"])
async def test_a_part_that_is_not_there(browser: httpx.AsyncClient, asked: str) -> None:
    answer = await browser.get("/", headers={"range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */1000"


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,5-6",
        "items=0-5",
        "bytes=5-2",
        "bytes=-",
        "bytes=a-b",
        "bytes",
        "bytes=٣-٤",
        "bytes=1" + "0" * 30,
    ],
)
async def test_what_cannot_be_read_as_one_range_is_left_out(
    browser: httpx.AsyncClient, asked: str
) -> None:
    assert parse_range(asked) is None
    answer = await browser.get("/", headers={"range": asked.encode()})
    assert (answer.status_code, len(answer.content)) == (200, SIZE)


async def test_what_the_browser_has_is_not_sent_again(
    browser: httpx.AsyncClient, ref: BlobRef
) -> None:
    for known in (f'"{ref.sha256}"', f'W/"{ref.sha256}"', f'"x", "{ref.sha256}"', "*"):
        answer = await browser.get("/", headers={"if-none-match": known, "range": "bytes=0-1"})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == f'"{ref.sha256}"'
    assert (await browser.get("/", headers={"if-none-match": '"old"'})).status_code == 200


async def test_a_part_of_something_else_is_not_mixed_in(
    browser: httpx.AsyncClient, ref: BlobRef
) -> None:
    async def status(if_range: str) -> int:
        answer = await browser.get("/", headers={"range": "bytes=0-1", "if-range": if_range})
        return answer.status_code

    assert await status(f'"{ref.sha256}"') == 206
    for other in ('"old"', f'W/"{ref.sha256}"', "Sat, 21 Nov 2026 09:00:00 GMT"):
        assert await status(other) == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html",
        "image/svg+xml",
        "application/xhtml+xml",
        "text/javascript",
        "application/pdf",
        "video/x+xml",
        "nonsense",
        "",
    ],
)
async def test_what_a_browser_would_run_is_saved_instead(
    local_store: LocalStore, ref: BlobRef, content_type: str
) -> None:
    page = BlobRef(ref.key, ref.size_bytes, content_type, ref.sha256, "page.html")
    answer = await blob_response(local_store, page, {}, method="HEAD")
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "content_type", ["audio/webm; codecs=opus", "video/mp4", "image/png", "text/plain"]
)
async def test_what_it_can_only_show_is_shown(
    local_store: LocalStore, ref: BlobRef, content_type: str
) -> None:
    shown = BlobRef(ref.key, ref.size_bytes, content_type, ref.sha256)
    answer = await blob_response(local_store, shown, {}, method="HEAD")
    assert answer.headers["content-disposition"] == "inline"
    assert answer.headers["content-type"].startswith(content_type)
    saved = await blob_response(local_store, shown, {}, "x.bin", method="HEAD", download=True)
    assert saved.headers["content-disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    ("name", "served"),
    [
        ("cinta.WAV", "audio/wav"),
        ("x.html", "application/octet-stream"),
        (None, "application/octet-stream"),
    ],
)
async def test_a_recording_sent_as_mere_bytes_can_be_played(
    local_store: LocalStore, ref: BlobRef, name: str | None, served: str
) -> None:
    sent = BlobRef(ref.key, ref.size_bytes, "application/octet-stream", ref.sha256, name)
    answer = await blob_response(local_store, sent, {}, method="HEAD")
    assert answer.headers["content-type"] == served
    way = "inline" if served == "audio/wav" else "attachment"
    assert answer.headers["content-disposition"].startswith(way)
