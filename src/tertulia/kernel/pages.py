"""Pages of lists: by cursor everywhere, by limit and offset where a source document says so."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field

from tertulia.kernel.errors import InvalidRequestError

T = TypeVar("T")
Row = TypeVar("Row")

MAX_LIMIT = 200
MAX_OFFSET = 1_000_000


class Page(BaseModel, Generic[T]):
    """One page of a list, and where the next one starts."""

    items: list[T]
    next_cursor: str | None = Field(
        None, description="Give it back as `cursor` for the next page; null on the last one."
    )


class OffsetPage(BaseModel, Generic[T]):
    """One page of a list read by limit and offset."""

    items: list[T]
    limit: int
    offset: int


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list ordered by time and id, newest first."""

    at: datetime
    id: UUID

    def cursor(self) -> str:
        text = json.dumps([self.at.isoformat(), str(self.id)])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, cursor: str | None) -> "Position | None":
        """Reads a cursor; one that was not made here is refused."""
        if not cursor:
            return None
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            at, id_ = json.loads(raw)
            position = cls(datetime.fromisoformat(at), UUID(id_))
        except (ValueError, TypeError, AttributeError, binascii.Error):
            raise InvalidRequestError(
                "The cursor is not one this server made. Leave it out to start from the first page."
            ) from None
        if position.at.tzinfo is None:
            raise InvalidRequestError("The cursor has no time zone. Leave it out to start again.")
        return position


def cut(rows: Sequence[Row], limit: int) -> tuple[list[Row], Row | None]:
    """Splits `limit + 1` rows into a page and the row its cursor points at, if there is more."""
    page = list(rows[:limit])
    return page, (page[-1] if len(rows) > limit and page else None)
