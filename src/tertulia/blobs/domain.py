"""A blob: bytes under a name of our own making, and what every place that keeps them promises."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Protocol
from uuid import UUID

from tertulia.kernel.errors import NotFoundError, TertuliaError, UnavailableError
from tertulia.kernel.ids import new_id

_KIND = re.compile(r"[a-z][a-z0-9-]{0,31}")
_KEY = re.compile(
    r"[a-z][a-z0-9-]{0,31}/\d{4}/\d{2}/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
)
_PREFIX = re.compile(r"(|[a-z][a-z0-9-]{0,31}(/\d{4}(/\d{2})?)?)")


class BlobMissingError(NotFoundError):
    """The bytes are not in the store: deleted, or lost with their disk."""

    code = "blob_missing"
    title = "The file is no longer there"


class RangeNotSatisfiableError(TertuliaError):
    """The bytes asked for lie outside the file."""

    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    code = "range_not_satisfiable"
    title = "The file does not have those bytes"

    def __init__(self, size_bytes: int) -> None:
        super().__init__(
            f"The file has {size_bytes} bytes. Ask for a range inside them.",
            headers={"Content-Range": f"bytes */{size_bytes}"},
        )


class BlobStoreError(UnavailableError):
    """The store does not answer, or refuses us. The text names what to check, never a key or a link."""

    code = "blob_store_unavailable"
    title = "The file store cannot be used just now"


@dataclass(frozen=True, slots=True)
class BlobRef:
    """What is known of a stored blob; whoever stores it keeps this. `sha256` is in hexadecimal."""

    key: str
    size_bytes: int
    content_type: str
    sha256: str
    name: str | None = None
    """What the person's file was called: shown again at download, never part of a path."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a blob will lie: it has its row, and its bytes may come once that row is committed."""

    id: UUID
    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BlobStat:
    """What the store itself says about one blob."""

    key: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Part of a blob: from `first` to `last` (both included; to the end without it), or its last `suffix` bytes."""

    first: int | None = None
    last: int | None = None
    suffix: int | None = None

    def resolve(self, size_bytes: int) -> tuple[int, int]:
        """Offset and length inside a blob of that size, or the refusal RFC 9110 asks for."""
        if self.suffix is not None:
            length = min(self.suffix, size_bytes)
            if length <= 0:
                raise RangeNotSatisfiableError(size_bytes)
            return size_bytes - length, length
        first = self.first or 0
        last = size_bytes - 1 if self.last is None else min(self.last, size_bytes - 1)
        if first >= size_bytes or last < first:
            raise RangeNotSatisfiableError(size_bytes)
        return first, last - first + 1


@dataclass(frozen=True, slots=True)
class Download:
    """An open blob. `chunks` must be read to its end or closed (`contextlib.aclosing`)."""

    size_bytes: int
    """Of the whole blob."""
    offset: int
    length: int
    """Of what `chunks` will give."""
    chunks: AsyncIterator[bytes]


class BlobStore(Protocol):
    """A place for big files. A blob is there whole or not at all, and never changes once it is there."""

    async def put(
        self,
        key: str,
        stream: AsyncIterator[bytes],
        *,
        content_type: str,
        name: str | None = None,
        max_bytes: int | None = None,
    ) -> BlobRef:
        """Stores a stream of any length with little memory; what fails half way leaves nothing behind."""
        ...

    async def open(self, key: str, byte_range: ByteRange | None = None) -> Download:
        """Opens a blob or a part of it; raises `BlobMissingError` or `RangeNotSatisfiableError` at once."""
        ...

    async def stat(self, key: str) -> BlobStat: ...

    async def delete(self, *keys: str) -> None:
        """Removes blobs; those that are not there count as removed."""
        ...

    def list(self, prefix: str = "") -> AsyncIterator[BlobStat]:
        """Every blob under a kind, or a kind and its year, or a kind, its year and its month."""
        ...

    async def delete_prefix(self, prefix: str) -> int:
        """Removes everything under a prefix and says how many there were."""
        ...

    async def copy(self, source: str, target: str) -> None:
        """Makes a second blob with the same bytes, without reading them here where the store can."""
        ...

    async def url(self, key: str, *, seconds: int = 300) -> str | None:
        """A link that works without us for that long, or None where the store cannot make one."""
        ...

    async def sweep_unfinished(self, before: datetime) -> int:
        """Removes what uploads that died before then have left; says how many."""
        ...

    async def check(self) -> None:
        """Raises an error that names the fix when the store cannot be used."""
        ...

    async def close(self) -> None: ...


def new_key(kind: str, at: datetime) -> str:
    """The only way a key is made: `recording/2026/11/<uuid7>`. No person's input is in it."""
    if not _KIND.fullmatch(kind):
        raise ValueError(f"{kind!r} is not a kind of blob: use small letters, digits and dashes")
    return f"{kind}/{at:%Y/%m}/{new_id()}"


def check_key(key: str) -> str:
    """Lets through only what `new_key` makes, so that no key can leave its folder."""
    if not _KEY.fullmatch(key):
        raise ValueError("not a key that this server made")
    return key


def check_prefix(prefix: str, *, empty: bool = True) -> str:
    """Lets through a whole number of key parts; everything only where `empty` says so."""
    prefix = prefix.strip("/")
    if not _PREFIX.fullmatch(prefix) or not (prefix or empty):
        raise ValueError("not a prefix of keys that this server makes")
    return prefix


def is_key(key: str) -> bool:
    """Whether a name found in a store is one of ours; a shared bucket may hold others."""
    return _KEY.fullmatch(key) is not None


class BlobState:
    """Where a blob's row stands: its bytes are arriving, they are kept, or they are to be removed."""

    ARRIVING = "arriving"
    KEPT = "kept"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Blob:
    """A stored blob, and the space it belongs to."""

    id: UUID
    ref: BlobRef
    space_id: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one sweep removed."""

    abandoned: int
    """Bytes whose transaction never came to its end."""
    deleted: int
    """Blobs whose deletion was committed and not yet carried out."""
    unfinished: int
    """Pieces of uploads that died half way."""


ABANDONED_AFTER = timedelta(hours=24)
"""An upload that has not been committed by then never will be."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
