"""The Vercel Blob store against its API on loopback: the contract, and what only Vercel does."""

import asyncio
from pathlib import Path

import httpx
import pytest
from tests.blobs.contract import TWO_PARTS, Leftovers, StoreContract, key, pattern, put, read
from tests.fakes.vercel_blob import FakeVercelBlob
from tests.fixtures.blobs import OpenVercel, serving

from tertulia.blobs.backends.vercel import VercelBlobStore
from tertulia.blobs.domain import BlobStore, BlobStoreError, ByteRange
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.errors import StartError, StorageFullError

pytestmark = pytest.mark.unit


class HurriedClock(HeldClock):
    """Waits are over at once, and remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def store(vercel_store: VercelBlobStore) -> BlobStore:
    return vercel_store


@pytest.fixture
def leftovers(fake_vercel: FakeVercelBlob) -> Leftovers:
    # Parts of an upload that is never completed stay invisible and are dropped by the service.
    return lambda: [*fake_vercel.files]


class TestVercelBlobStore(StoreContract):
    async def test_is_in_order_and_leaves_whole_blobs_alone(
        self, store: BlobStore, leftovers: Leftovers
    ) -> None:
        ref = await put(store, b"x")
        await store.check()
        assert leftovers() == [ref.key]


async def test_files_are_private_and_typed(store: BlobStore, fake_vercel: FakeVercelBlob) -> None:
    for data in (b"x", pattern(TWO_PARTS)):
        ref = await put(store, data)
        assert fake_vercel.files[ref.key].content_type == "audio/wav"
        async with httpx.AsyncClient(timeout=60) as stranger:
            answer = await stranger.get(f"{fake_vercel.content_url}/{ref.key}")
        assert answer.status_code == 403


async def test_small_blobs_take_one_request_large_ones_parts(
    store: BlobStore, fake_vercel: FakeVercelBlob
) -> None:
    await put(store, b"x")
    assert fake_vercel.seen == ["PUT /api/blob/"]
    fake_vercel.seen.clear()
    await put(store, pattern(TWO_PARTS))
    assert [line.split()[-1] for line in fake_vercel.seen] == [
        "create",
        "upload",
        "upload",
        "complete",
    ]


async def test_a_link_works_without_us_for_its_time(store: BlobStore) -> None:
    ref = await put(store, b"heard")
    url, late = await store.url(ref.key), await store.url(ref.key, seconds=-1)
    assert url
    assert late
    async with httpx.AsyncClient(timeout=60) as browser:
        assert (await browser.get(url)).content == b"heard"
        assert (await browser.get(url.replace(ref.key, key()))).status_code == 403
        assert (await browser.get(late)).status_code == 403


async def test_a_server_that_ignores_ranges_is_cut_here(tmp_path: Path) -> None:
    fake = FakeVercelBlob(tmp_path, ranges=False)
    async with serving(fake) as url:
        fake.content_url = f"{url}/content"
        store = VercelBlobStore(fake.token, api_url=f"{url}/api/blob", content_url=fake.content_url)
        data = pattern(1_000_000)
        ref = await put(store, data)
        assert await read(store, ref.key, ByteRange(first=5, last=700_000)) == data[5:700_001]
        assert await read(store, ref.key, ByteRange(suffix=4)) == data[-4:]
        await store.close()


@pytest.mark.parametrize("token", ["", "vercel_blob_rw_", "abc", "vercel_blob_client_x_y"])
def test_a_token_of_another_kind_stops_the_start(token: str) -> None:
    with pytest.raises(StartError, match="TERTULIA_VERCEL_BLOB_TOKEN"):
        VercelBlobStore(token)


def test_files_lie_at_the_stores_own_address() -> None:
    store = VercelBlobStore("vercel_blob_rw_AbC123_x")
    assert store._content("k") == "https://abc123.private.blob.vercel-storage.com/k"


async def test_a_refused_token_names_the_setting_and_not_the_token(open_vercel: OpenVercel) -> None:
    async with open_vercel(token="vercel_blob_rw_storeabc123_wrong") as store:
        with pytest.raises(BlobStoreError, match="TERTULIA_VERCEL_BLOB_TOKEN") as refused:
            await store.check()
    assert "wrong" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (429, "rate_limited", BlobStoreError),
        (402, "plan_limit", StorageFullError),
        (403, "store_suspended", BlobStoreError),
        (404, "store_not_found", BlobStoreError),
        (400, "bad_request", BlobStoreError),
    ],
)
async def test_refusals_are_not_tried_again(
    open_vercel: OpenVercel,
    fake_vercel: FakeVercelBlob,
    status: int,
    code: str,
    error: type[Exception],
) -> None:
    clock = HurriedClock()
    fake_vercel.fail = [("PUT", status, code)]
    async with open_vercel(clock=clock) as store:
        with pytest.raises(error):
            await put(store, b"x")
    assert clock.waits == []


async def test_failures_are_tried_again_with_growing_waits(
    open_vercel: OpenVercel, fake_vercel: FakeVercelBlob
) -> None:
    clock = HurriedClock()
    fake_vercel.fail = [("PUT", 500, "unknown_error")] * 3
    async with open_vercel(clock=clock) as store:
        ref = await put(store, b"x")
        assert await read(store, ref.key) == b"x"
    assert len(clock.waits) == 3
    assert clock.waits == sorted(clock.waits)


async def test_a_service_that_is_away_is_unavailable(open_vercel: OpenVercel) -> None:
    async with open_vercel(clock=HurriedClock(), api_url="http://127.0.0.1:9") as store:
        with pytest.raises(BlobStoreError) as away:
            await put(store, b"x")
    assert away.value.headers["Retry-After"]


async def test_long_lists_come_in_pages(store: BlobStore, fake_vercel: FakeVercelBlob) -> None:
    ref = await put(store, b"x")
    one = fake_vercel.files[ref.key]
    fake_vercel.files.update({key("many"): one for _ in range(1500)})
    assert len([b async for b in store.list("many")]) == 1500
    assert fake_vercel.seen.count("GET /api/blob/") == 2
