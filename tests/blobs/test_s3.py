"""The S3 store against a bucket on loopback that checks signatures: the contract, and what only S3 does."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.blobs.contract import NOW, TWO_PARTS, Leftovers, StoreContract, key, pattern, put, read
from tests.fakes.s3 import FakeS3
from tests.fixtures.blobs import OpenS3

from tertulia.blobs.backends.s3 import S3Store
from tertulia.blobs.domain import BlobStore, BlobStoreError, new_key
from tertulia.blobs.intake import from_bytes

pytestmark = pytest.mark.unit


@pytest.fixture
def store(s3_store: S3Store) -> BlobStore:
    return s3_store


@pytest.fixture
def leftovers(fake_s3: FakeS3) -> Leftovers:
    return lambda: [*fake_s3.uploads]


class TestS3Store(StoreContract):
    pass


async def test_everything_stays_under_the_prefix(store: BlobStore, fake_s3: FakeS3) -> None:
    ref = await put(store, b"x")
    assert [*fake_s3.objects] == [f"tertulia/one/{ref.key}"]


async def test_two_servers_share_a_bucket_by_prefix(open_s3: OpenS3) -> None:
    one, two = open_s3(prefix="one"), open_s3(prefix="two")
    ref = await put(one, b"x")
    assert [b.key async for b in one.list()] == [ref.key]
    assert [b async for b in two.list()] == []


async def test_the_bucket_knows_type_and_name(store: BlobStore, fake_s3: FakeS3) -> None:
    for data in (b"x", pattern(TWO_PARTS)):
        ref = await store.put(
            key(), from_bytes(data), content_type="text/html", name="año\r\nX: 1.html"
        )
        headers = fake_s3.objects[f"tertulia/one/{ref.key}"].headers
        assert headers["content-type"] == "text/html"
        assert headers["content-disposition"] == (
            "attachment; filename=\"anoX: 1.html\"; filename*=UTF-8''a%C3%B1oX%3A%201.html"
        )


async def test_small_blobs_take_one_request_large_ones_parts(
    store: BlobStore, fake_s3: FakeS3
) -> None:
    small = await put(store, b"x")
    assert fake_s3.seen == [f"PUT tertulia/one/{small.key}?"]
    fake_s3.seen.clear()
    await put(store, pattern(TWO_PARTS))
    assert [line.split()[0] for line in fake_s3.seen] == ["POST", "PUT", "PUT", "POST"]


async def test_a_link_works_without_us_for_its_time(store: BlobStore) -> None:
    ref = await put(store, b"heard")
    url = await store.url(ref.key, seconds=60)
    assert url
    async with httpx.AsyncClient(timeout=60) as browser:
        answer = await browser.get(url)
        assert (answer.status_code, answer.content) == (200, b"heard")
        assert (await browser.get(url, headers={"range": "bytes=-2"})).content == b"rd"
        forged = url.replace(ref.key, key())
        assert (await browser.get(forged)).status_code == 403
        longer = url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")
        assert (await browser.get(longer)).status_code == 403


@pytest.mark.parametrize("wrong", [{"secret_key": "wrong"}, {"access_key": "AKIAOTHER"}])
async def test_a_wrong_key_names_the_settings_and_no_secret(
    open_s3: OpenS3, wrong: dict[str, str]
) -> None:
    with pytest.raises(BlobStoreError, match="TERTULIA_S3_ACCESS_KEY") as refused:
        await open_s3(**wrong).check()
    assert not any(value in str(refused.value) for value in wrong.values())


@pytest.mark.parametrize("wrong", [{"endpoint": "http://127.0.0.1:9"}, {"prefix": ""}])
async def test_a_bucket_that_is_away_is_unavailable(
    open_s3: OpenS3, fake_s3: FakeS3, wrong: dict[str, str]
) -> None:
    fake_s3.fail = [("", 500)] * 50
    store = open_s3(**wrong, max_retries=0)
    for use in (store.check(), put(store, b"x"), store.open(key()), store.stat(key())):
        with pytest.raises(BlobStoreError) as away:
            await use
        assert int(away.value.headers["Retry-After"]) >= 1


async def test_one_hiccup_is_not_noticed(store: BlobStore, fake_s3: FakeS3) -> None:
    fake_s3.fail = [("PUT", 503), ("GET", 500)]
    ref = await put(store, b"x")
    assert await read(store, ref.key) == b"x"
    assert fake_s3.fail == []


@pytest.mark.parametrize("step", ["POST tertulia", "PUT tertulia"])
async def test_a_bucket_that_fails_half_way_leaves_no_parts(
    open_s3: OpenS3, fake_s3: FakeS3, leftovers: Leftovers, step: str
) -> None:
    at = new_key("recording", NOW)
    fake_s3.fail = [(step, 500)] * 6

    async def stream() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield pattern(1_048_576)

    with pytest.raises(BlobStoreError):
        await open_s3(max_retries=0).put(at, stream(), content_type="audio/wav")
    assert leftovers() == []
    assert fake_s3.objects == {}


async def test_foreign_objects_under_the_prefix_are_not_ours(
    store: BlobStore, fake_s3: FakeS3
) -> None:
    ref = await put(store, b"x")
    fake_s3.objects["tertulia/one/notes.txt"] = fake_s3.objects[f"tertulia/one/{ref.key}"]
    assert [b.key async for b in store.list()] == [ref.key]


async def test_long_lists_come_in_pages(store: BlobStore, fake_s3: FakeS3, tmp_path: Path) -> None:
    ref = await put(store, b"x")
    one = fake_s3.objects[f"tertulia/one/{ref.key}"]
    fake_s3.objects.update({f"tertulia/one/{key('many')}": one for _ in range(1500)})
    assert len([b async for b in store.list("many")]) == 1500
    assert len([line for line in fake_s3.seen if line.startswith("GET")]) == 2
