"""Whole rows in one statement of one value: what is written once and not often enough at a time for arrays.

A statement of thirty parameters costs more to build and bind than to run, and is prepared anew for every
combination of types that its nulls and numbers happen to have; one of one JSON value is prepared once.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from psycopg import sql
from sqlalchemy import Table

from tertulia.kernel.database import Base, Transaction


class Rows:
    """An insert into one table, prepared once. `tail` is what stands after the rows: conflicts, what comes back."""

    def __init__(self, entity: type[Base], tail: sql.Composable | None = None) -> None:
        whole = sql.SQL("{} {}").format(insert_of(entity), tail or sql.SQL(""))
        self._statement = whole.as_bytes()  # once: putting it together costs as much as running it

    async def insert(
        self, tx: Transaction, rows: Sequence[Mapping[str, Any]]
    ) -> list[tuple[Any, ...]]:
        """Writes rows, by the names of their columns; a column that a row leaves out is null."""
        if not rows:
            return []
        connection = await tx.raw()
        cursor = await connection.execute(self._statement, (written(rows),), prepare=True)
        return await cursor.fetchall() if cursor.description else []


def insert_of(entity: type[Base]) -> sql.Composed:
    """The insert of rows whose JSON is its one parameter, without the columns that the database computes."""
    table = cast(Table, entity.__table__)
    name = sql.Identifier(*([table.schema] if table.schema else []), table.name)
    columns = sql.SQL(", ").join(sql.Identifier(c.name) for c in table.columns if not c.computed)
    return sql.SQL(
        "insert into {name} ({columns}) select {columns} from jsonb_populate_recordset(null::{name}, %s::jsonb)"
    ).format(name=name, columns=columns)


def written(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as the JSON that PostgreSQL reads them from."""
    return json.dumps(rows, ensure_ascii=False, allow_nan=False, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (UUID, Decimal)):
        return str(value)
    raise TypeError(f"A {type(value).__name__} cannot be written into a row.")
