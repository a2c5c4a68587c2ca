"""Queries about spaces and who is in them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from tertulia.identity.domain import Member, Role, Space
from tertulia.identity.store.tables import SpaceMemberRow, SpaceRow, UserRow
from tertulia.kernel.database import Transaction


def _space(row: SpaceRow) -> Space:
    return Space(id=row.id, name=row.name, created_at=row.created_at)


_OF_USER = (  # asked at every start of the page: built once
    select(SpaceRow.id, SpaceRow.name, SpaceRow.created_at, SpaceMemberRow.role)
    .join(SpaceMemberRow, SpaceMemberRow.space_id == SpaceRow.id)
    .where(SpaceMemberRow.user_id == bindparam("user_id"))
    .order_by(SpaceRow.created_at, SpaceRow.id)
)


class SpaceStore:
    """Spaces and members."""

    async def add(self, tx: Transaction, space: Space) -> None:
        await tx.session.execute(
            insert(SpaceRow).values(id=space.id, name=space.name, created_at=space.created_at)
        )

    async def find(self, tx: Transaction, space_id: UUID, *, hold: bool = False) -> Space | None:
        """The space; with `hold`, nobody else changes it or its members until the transaction ends."""
        query = select(SpaceRow).where(SpaceRow.id == space_id)
        row = (
            await tx.session.execute(query.with_for_update() if hold else query)
        ).scalar_one_or_none()
        return _space(row) if row else None

    async def list(self, tx: Transaction, ids: Collection[UUID]) -> Sequence[Space]:
        rows = await tx.session.execute(
            select(SpaceRow).where(SpaceRow.id.in_(ids)).order_by(SpaceRow.created_at, SpaceRow.id)
        )
        return [_space(row) for row in rows.scalars()]

    async def list_all(self, tx: Transaction) -> Sequence[Space]:
        rows = await tx.session.execute(select(SpaceRow).order_by(SpaceRow.created_at, SpaceRow.id))
        return [_space(row) for row in rows.scalars()]

    async def rename(self, tx: Transaction, space_id: UUID, name: str) -> Space | None:
        row = (
            await tx.session.execute(
                update(SpaceRow)
                .where(SpaceRow.id == space_id)
                .values(name=name)
                .returning(SpaceRow),
                execution_options={"populate_existing": True},
            )
        ).scalar_one_or_none()
        return _space(row) if row else None

    async def remove(self, tx: Transaction, space_id: UUID) -> None:
        await self._go_elsewhere(tx, UserRow.active_space_id == space_id, space_id)
        await tx.session.execute(delete(SpaceRow).where(SpaceRow.id == space_id))

    async def of_user(self, tx: Transaction, user_id: UUID) -> Sequence[tuple[Space, Role]]:
        """A person's spaces, oldest first, and their role there."""
        rows = await tx.session.execute(_OF_USER, {"user_id": user_id})
        return [(Space(row.id, row.name, row.created_at), Role(row.role)) for row in rows]

    async def members(self, tx: Transaction, space_id: UUID) -> Sequence[Member]:
        rows = await tx.session.execute(
            select(SpaceMemberRow, UserRow.email, UserRow.name)
            .join(UserRow, UserRow.id == SpaceMemberRow.user_id)
            .where(SpaceMemberRow.space_id == space_id)
            .order_by(SpaceMemberRow.joined_at, SpaceMemberRow.user_id)
        )
        return [
            Member(
                space_id=row.space_id,
                user_id=row.user_id,
                email=email,
                name=name,
                role=Role(row.role),
                joined_at=row.joined_at,
            )
            for row, email, name in rows
        ]

    async def add_member(
        self, tx: Transaction, space_id: UUID, user_id: UUID, role: Role, now: datetime
    ) -> bool:
        """Adds somebody; False when they are in the space already, whose role then stays."""
        added = await tx.session.execute(
            upsert(SpaceMemberRow)
            .values(space_id=space_id, user_id=user_id, role=role.value, joined_at=now)
            .on_conflict_do_nothing()
            .returning(SpaceMemberRow.user_id)
        )
        return added.scalar_one_or_none() is not None

    async def set_role(self, tx: Transaction, space_id: UUID, user_id: UUID, role: Role) -> None:
        await tx.session.execute(
            update(SpaceMemberRow)
            .where(SpaceMemberRow.space_id == space_id, SpaceMemberRow.user_id == user_id)
            .values(role=role.value)
        )

    async def remove_member(self, tx: Transaction, space_id: UUID, user_id: UUID) -> None:
        await tx.session.execute(
            delete(SpaceMemberRow).where(
                SpaceMemberRow.space_id == space_id, SpaceMemberRow.user_id == user_id
            )
        )
        active = and_(UserRow.id == user_id, UserRow.active_space_id == space_id)
        await self._go_elsewhere(tx, active, space_id)

    @staticmethod
    async def _go_elsewhere(tx: Transaction, who: ColumnElement[bool], left: UUID) -> None:
        """Makes the oldest space that is left to them the active one, so that nothing they do lacks a place."""
        elsewhere = (
            select(SpaceMemberRow.space_id)
            .where(SpaceMemberRow.user_id == UserRow.id, SpaceMemberRow.space_id != left)
            .order_by(SpaceMemberRow.joined_at, SpaceMemberRow.space_id)
            .limit(1)
            .scalar_subquery()
        )
        await tx.session.execute(update(UserRow).where(who).values(active_space_id=elsewhere))
