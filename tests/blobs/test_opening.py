"""The settings choose the store, and wrong ones name the fix."""

from pathlib import Path
from typing import Any

import pytest
from tests.blobs.contract import put, read
from tests.fakes.s3 import FakeS3
from tests.fakes.vercel_blob import TOKEN
from tests.fixtures.blobs import serving

from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.backends.s3 import S3Store
from tertulia.blobs.backends.vercel import VercelBlobStore
from tertulia.blobs.domain import BlobStore
from tertulia.blobs.opening import open_store
from tertulia.kernel.errors import StartError
from tertulia.kernel.settings import Settings

pytestmark = pytest.mark.unit


def opened(data: Path, **settings: Any) -> BlobStore:
    return open_store(Settings(data=data, **settings))


async def test_a_folder_in_the_data_folder(tmp_path: Path) -> None:
    store = opened(tmp_path)
    assert isinstance(store, LocalStore)
    ref = await put(store, b"x")
    assert (tmp_path / "blobs" / ref.key).read_bytes() == b"x"
    await store.close()


async def test_a_bucket_and_its_prefix(tmp_path: Path) -> None:
    fake = FakeS3(tmp_path)
    async with serving(fake) as url:
        store = opened(
            tmp_path,
            blobs=f"s3://{fake.bucket}/a/b",
            s3_endpoint=url,
            s3_access_key=fake.access_key,
            s3_secret_key=fake.secret_key,
        )
        assert isinstance(store, S3Store)
        ref = await put(store, b"x")
        assert await read(store, ref.key) == b"x"
    assert [*fake.objects] == [f"a/b/{ref.key}"]


async def test_vercel(tmp_path: Path) -> None:
    store = opened(tmp_path, blobs="vercel", vercel_blob_token=TOKEN)
    assert isinstance(store, VercelBlobStore)
    await store.close()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"blobs": "ftp://x"}, "TERTULIA_BLOBS"),
        ({"blobs": "s3:"}, "TERTULIA_BLOBS"),
        ({"blobs": "/srv/files"}, "TERTULIA_BLOBS"),
        ({"blobs": "vercel"}, "TERTULIA_VERCEL_BLOB_TOKEN"),
        ({"blobs": "vercel", "vercel_blob_token": "secret"}, "TERTULIA_VERCEL_BLOB_TOKEN"),
        ({"blobs": "s3://b", "s3_access_key": "secret"}, "TERTULIA_S3_SECRET_KEY"),
    ],
)
def test_wrong_settings_stop_the_start(
    tmp_path: Path, settings: dict[str, str], named: str
) -> None:
    with pytest.raises(StartError, match=named) as refused:
        opened(tmp_path, **settings)
    assert "secret" not in str(refused.value)
