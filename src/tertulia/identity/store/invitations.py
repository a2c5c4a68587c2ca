"""Queries about invitations."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, insert, select, update

from tertulia.identity.domain import Invitation, Role
from tertulia.identity.store.tables import InvitationRow
from tertulia.kernel.database import Transaction


def _invitation(row: InvitationRow) -> Invitation:
    return Invitation(
        id=row.id,
        space_id=row.space_id,
        role=Role(row.role),
        email=row.email,
        inviter_id=row.inviter_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def _open(now: datetime) -> ColumnElement[bool]:
    return and_(
        InvitationRow.accepted_at.is_(None),
        InvitationRow.revoked_at.is_(None),
        InvitationRow.expires_at > now,
    )


class InvitationStore:
    """Invitations; only open ones are ever found."""

    async def add(self, tx: Transaction, invitation: Invitation, token_hash: bytes) -> None:
        await tx.session.execute(
            insert(InvitationRow).values(
                id=invitation.id,
                space_id=invitation.space_id,
                role=invitation.role.value,
                email=invitation.email,
                token_hash=token_hash,
                inviter_id=invitation.inviter_id,
                created_at=invitation.created_at,
                expires_at=invitation.expires_at,
            )
        )

    async def list(self, tx: Transaction, space_id: UUID, now: datetime) -> Sequence[Invitation]:
        rows = await tx.session.execute(
            select(InvitationRow)
            .where(InvitationRow.space_id == space_id, _open(now))
            .order_by(InvitationRow.id.desc())
        )
        return [_invitation(row) for row in rows.scalars()]

    async def find(self, tx: Transaction, token_hash: bytes, now: datetime) -> Invitation | None:
        row = (
            await tx.session.execute(
                select(InvitationRow).where(InvitationRow.token_hash == token_hash, _open(now))
            )
        ).scalar_one_or_none()
        return _invitation(row) if row else None

    async def take(self, tx: Transaction, invitation_id: UUID, now: datetime) -> bool:
        """Uses it up; of two who try at once, one gets True."""
        taken = await tx.session.execute(
            update(InvitationRow)
            .where(InvitationRow.id == invitation_id, _open(now))
            .values(accepted_at=now)
            .returning(InvitationRow.id)
        )
        return taken.scalar_one_or_none() is not None

    async def revoke(
        self, tx: Transaction, space_id: UUID, invitation_id: UUID, now: datetime
    ) -> bool:
        revoked = await tx.session.execute(
            update(InvitationRow)
            .where(
                InvitationRow.id == invitation_id,
                InvitationRow.space_id == space_id,
                _open(now),
            )
            .values(revoked_at=now)
            .returning(InvitationRow.id)
        )
        return revoked.scalar_one_or_none() is not None
