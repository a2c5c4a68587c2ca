"""The store that the settings ask for."""

from urllib.parse import urlsplit

from pydantic import SecretStr

from tertulia.blobs.backends.local import LocalStore
from tertulia.blobs.domain import BlobStore
from tertulia.kernel.errors import StartError
from tertulia.kernel.settings import Settings


def open_store(settings: Settings) -> BlobStore:
    """Called by `server/` and `cli/` alone; everything else is handed a `BlobStore`."""
    kind = urlsplit(settings.blobs)
    if settings.blobs == "local":
        return LocalStore(settings.data / "blobs", min_free_bytes=settings.min_free_disk_bytes)
    if kind.scheme == "s3" and kind.netloc:
        # obstore and httpx cost start-up time that a folder does not need.
        from tertulia.blobs.backends.s3 import S3Store

        access, secret = _told(settings.s3_access_key), _told(settings.s3_secret_key)
        if bool(access) != bool(secret):
            raise StartError(
                "TERTULIA_S3_ACCESS_KEY and TERTULIA_S3_SECRET_KEY belong together. Set both or none."
            )
        return S3Store(
            kind.netloc,
            prefix=kind.path,
            endpoint=settings.s3_endpoint,
            region=settings.s3_region,
            access_key=access,
            secret_key=secret,
        )
    if settings.blobs == "vercel":
        from tertulia.blobs.backends.vercel import VercelBlobStore

        token = _told(settings.vercel_blob_token)
        if not token:
            raise StartError("TERTULIA_BLOBS is `vercel`; set TERTULIA_VERCEL_BLOB_TOKEN as well.")
        return VercelBlobStore(token, api_url=settings.vercel_blob_url)
    raise StartError(
        f"TERTULIA_BLOBS is wrong: {settings.blobs!r}. Use `local`, `s3://bucket/prefix` or `vercel`."
    )


def _told(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
