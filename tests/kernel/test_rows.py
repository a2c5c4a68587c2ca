"""A row that goes in as one JSON value comes out as it was."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from psycopg import sql
from sqlalchemy import select, text

from tertulia.kernel.database import Database
from tertulia.kernel.rows import Rows, written
from tertulia.ledger.store import UseRow

pytestmark = pytest.mark.db


async def test_every_kind_of_value_arrives_whole(database: Database) -> None:
    space, id_ = uuid4(), uuid4()
    row = {
        "id": id_,
        "at": datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC),
        "door": 'voice "quoted" ✓ \\ ñ',
        "space_id": space,
        "engine": "whisper",
        "unit": "seconds",
        "quantity": 0.1 + 0.2,
        "price": Decimal("0.000000000000000123"),
        "price_version": "1",
        "latency_ms": 2**31 - 1,
    }
    async with database.transaction() as tx:
        await tx.session.execute(
            text("insert into spaces (id, name, created_at) values (:id, 'a', now())"),
            {"id": space},
        )
        assert await Rows(UseRow).insert(tx, []) == []
        assert await Rows(UseRow, sql.SQL("returning id")).insert(tx, [row]) == [(id_,)]
    async with database.transaction() as tx:
        kept = (await tx.session.scalars(select(UseRow))).one()
        assert {name: getattr(kept, name) for name in row} == row
        assert (kept.model, kept.cost, kept.person) == (None, None, None)


def test_what_no_row_holds_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes"):
        written([{"id": b"secret"}])
    with pytest.raises(ValueError, match="JSON"):
        written([{"quantity": float("nan")}])
