"""API keys."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from tertulia.identity.changes import ChangeKind, Changes
from tertulia.identity.domain import ApiKey, Principal, check_grant, tidy_name
from tertulia.identity.scopes import ScopeRegistry
from tertulia.identity.store import KeyStore
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import InvalidRequestError, NotFoundError
from tertulia.kernel.ids import new_id, new_secret, secret_hash

LONGEST_LIFE = timedelta(days=36_500)
SHOWN = 11
"""How much of a key stays visible: its `tk_` and eight characters, far too few to guess the rest from."""


class KeyService:
    """Keys for programs: made, shown once, listed, revoked."""

    def __init__(
        self, keys: KeyStore, changes: Changes, scopes: ScopeRegistry, clock: Clock
    ) -> None:
        self._keys = keys
        self._changes = changes
        self._scopes = scopes
        self._clock = clock

    async def create(
        self,
        tx: Transaction,
        principal: Principal,
        *,
        name: str,
        scopes: Iterable[str],
        space_id: UUID | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """Makes a key with no more rights than who makes it; gives back its secret, which is never seen again."""
        wanted = self._scopes.check(scopes)
        if space_id is not None:
            principal.need_role(space_id)
        check_grant(principal, wanted, space_id)
        return await self.issue(
            tx,
            principal.person(),
            name=name,
            scopes=wanted,
            space_id=space_id,
            expires_at=expires_at,
        )

    async def issue(
        self,
        tx: Transaction,
        user_id: UUID,
        *,
        name: str,
        scopes: Iterable[str],
        space_id: UUID | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """Makes a key for somebody, at the wish of whoever runs the server."""
        now = self._clock.now()
        if expires_at is not None and expires_at <= now:
            raise InvalidRequestError(
                "The key would expire before it is made. Give a later `expires_at`."
            )
        if expires_at is not None and expires_at - now > LONGEST_LIFE:
            raise InvalidRequestError(
                "Nobody lives that long. Leave `expires_at` out for a lasting key."
            )
        secret = new_secret("tk")
        key = ApiKey(
            id=new_id(),
            user_id=user_id,
            space_id=space_id,
            name=tidy_name(name),
            prefix=secret[:SHOWN],
            scopes=self._scopes.check(scopes),
            created_at=now,
            expires_at=expires_at,
            last_used_at=None,
        )
        await self._keys.add(tx, key, secret_hash(secret))
        return key, secret

    async def list(self, tx: Transaction, principal: Principal) -> Sequence[ApiKey]:
        """One's own keys, newest first; a key confined to a space sees those confined to it."""
        return await self._keys.list(tx, principal.person(), principal.only_space_id)

    async def list_all(self, tx: Transaction) -> Sequence[ApiKey]:
        """Everybody's keys."""
        return await self._keys.list(tx, None)

    async def revoke(self, tx: Transaction, principal: Principal, key_id: UUID) -> None:
        """Revokes one's own key; what it has open is cut."""
        await self._revoke(tx, key_id, principal.person(), principal.only_space_id)

    async def revoke_any(self, tx: Transaction, key_id: UUID) -> None:
        """Revokes anybody's key, at the wish of whoever runs the server."""
        await self._revoke(tx, key_id, None, None)

    async def _revoke(
        self, tx: Transaction, key_id: UUID, user_id: UUID | None, space_id: UUID | None
    ) -> None:
        now = self._clock.now()
        if not await self._keys.revoke(tx, key_id, now, user_id=user_id, space_id=space_id):
            raise NotFoundError("There is no such key.")
        await self._changes.tell(tx, ChangeKind.KEY_REVOKED, [key_id])
