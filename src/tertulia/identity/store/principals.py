"""The queries that turn what somebody shows into who they are; one query each, they are the hot ones."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, or_, select, update

from tertulia.identity.domain import Credential, GuestToken, Principal, PrincipalKind, Role
from tertulia.identity.store.tables import (
    ApiKeyRow,
    GuestTokenRow,
    SpaceMemberRow,
    UserRow,
    UserSessionRow,
)
from tertulia.kernel.database import Transaction

Query = Select[*tuple[Any, ...]]

_MEMBERSHIPS = (
    select(func.json_object_agg(SpaceMemberRow.space_id, SpaceMemberRow.role))
    .where(SpaceMemberRow.user_id == UserRow.id)
    .correlate(UserRow)
    .scalar_subquery()
    .label("roles")
)
_PERSON = (UserRow.is_owner, UserRow.active_space_id, _MEMBERSHIPS)


def _roles(found: dict[str, str] | None) -> dict[UUID, Role]:
    return {UUID(space): Role(role) for space, role in (found or {}).items()}


def _sessions(now: datetime) -> Query:
    return (
        select(
            UserSessionRow.id,
            UserSessionRow.user_id,
            UserSessionRow.last_seen_at,
            UserSessionRow.expires_at,
            *_PERSON,
        )
        .join(UserRow, UserRow.id == UserSessionRow.user_id)
        .where(UserSessionRow.expires_at > now, UserRow.disabled_at.is_(None))
    )


def _session(row: Row[Any]) -> Principal:
    return Principal(
        kind=PrincipalKind.USER,
        credential_id=row.id,
        user_id=row.user_id,
        roles=_roles(row.roles),
        seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        is_owner=row.is_owner,
        active_space_id=row.active_space_id,
    )


def _keys(now: datetime) -> Query:
    return (
        select(
            ApiKeyRow.id,
            ApiKeyRow.user_id,
            ApiKeyRow.space_id,
            ApiKeyRow.scopes,
            ApiKeyRow.last_used_at,
            ApiKeyRow.expires_at,
            *_PERSON,
        )
        .join(UserRow, UserRow.id == ApiKeyRow.user_id)
        .where(
            ApiKeyRow.revoked_at.is_(None),
            or_(ApiKeyRow.expires_at.is_(None), ApiKeyRow.expires_at > now),
            UserRow.disabled_at.is_(None),
        )
    )


def _key(row: Row[Any]) -> Principal:
    roles = _roles(row.roles)
    confined = row.space_id is not None
    return Principal(
        kind=PrincipalKind.KEY,
        credential_id=row.id,
        user_id=row.user_id,
        roles={
            space: role for space, role in roles.items() if not confined or space == row.space_id
        },
        seen_at=row.last_used_at,
        expires_at=row.expires_at,
        scopes=frozenset(row.scopes),
        only_space_id=row.space_id,
        is_owner=row.is_owner and not confined,
        active_space_id=row.active_space_id,
    )


def _guests(now: datetime) -> Query:
    query: Query = select(
        GuestTokenRow.id,
        GuestTokenRow.space_id,
        GuestTokenRow.room,
        GuestTokenRow.identity,
        GuestTokenRow.display_name,
        GuestTokenRow.expires_at,
    )
    return query.where(GuestTokenRow.revoked_at.is_(None), GuestTokenRow.expires_at > now)


def _guest(row: Row[Any]) -> Principal:
    return Principal(
        kind=PrincipalKind.GUEST,
        credential_id=row.id,
        user_id=None,
        expires_at=row.expires_at,
        guest=GuestToken(
            id=row.id,
            space_id=row.space_id,
            room=row.room,
            identity=row.identity,
            display_name=row.display_name,
            expires_at=row.expires_at,
        ),
    )


class PrincipalStore:
    """Credentials that are good at this moment, and what they stand for."""

    async def find_session(
        self, tx: Transaction, kind: str, token_hash: bytes, now: datetime
    ) -> Principal | None:
        query = _sessions(now).where(
            UserSessionRow.token_hash == token_hash, UserSessionRow.kind == kind
        )
        row = (await tx.session.execute(query)).one_or_none()
        return _session(row) if row else None

    async def find_key(self, tx: Transaction, key_hash: bytes, now: datetime) -> Principal | None:
        row = (
            await tx.session.execute(_keys(now).where(ApiKeyRow.key_hash == key_hash))
        ).one_or_none()
        return _key(row) if row else None

    async def find_guest(
        self, tx: Transaction, token_hash: bytes, now: datetime
    ) -> Principal | None:
        row = (
            await tx.session.execute(_guests(now).where(GuestTokenRow.token_hash == token_hash))
        ).one_or_none()
        return _guest(row) if row else None

    async def standing(
        self, tx: Transaction, credentials: Collection[Credential], now: datetime
    ) -> dict[Credential, Principal]:
        """Those of `credentials` that are still good."""
        by_kind: dict[PrincipalKind, list[UUID]] = {}
        for kind, id_ in credentials:
            by_kind.setdefault(kind, []).append(id_)
        found: list[Principal] = []
        if ids := by_kind.get(PrincipalKind.USER):
            found += map(_session, await self._rows(tx, _sessions(now), UserSessionRow.id.in_(ids)))
        if ids := by_kind.get(PrincipalKind.KEY):
            found += map(_key, await self._rows(tx, _keys(now), ApiKeyRow.id.in_(ids)))
        if ids := by_kind.get(PrincipalKind.GUEST):
            found += map(_guest, await self._rows(tx, _guests(now), GuestTokenRow.id.in_(ids)))
        return {principal.credential: principal for principal in found}

    @staticmethod
    async def _rows(
        tx: Transaction, query: Query, which: ColumnElement[bool]
    ) -> Sequence[Row[Any]]:
        rows: Sequence[Row[Any]] = (await tx.session.execute(query.where(which))).all()
        return rows

    async def touch(
        self, tx: Transaction, principal: Principal, now: datetime, session_life: timedelta
    ) -> None:
        """Writes down that it was used, and lets a sign-in slide on."""
        kind, id_ = principal.credential
        if kind is PrincipalKind.KEY:
            await tx.session.execute(
                update(ApiKeyRow).where(ApiKeyRow.id == id_).values(last_used_at=now)
            )
        elif kind is PrincipalKind.USER:
            await tx.session.execute(
                update(UserSessionRow)
                .where(UserSessionRow.id == id_)
                .values(last_seen_at=now, expires_at=now + session_life)
            )
            await tx.session.execute(
                update(UserRow).where(UserRow.id == principal.user_id).values(last_seen_at=now)
            )
