"""Searches people come back to, and the people whom references follow through all conversations."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import ConflictError, ForbiddenError, InvalidRequestError, NotFoundError
from tertulia.kernel.ids import new_id
from tertulia.transcripts.domain import KnownPerson, tidy_name, tidy_text
from tertulia.transcripts.searching import LONGEST_QUERY, SavedSearch
from tertulia.transcripts.service import Spaces, TranscriptService
from tertulia.transcripts.store.saved import PeopleStore, SavedStore

MOST_SAVED = 200
"""Of one person in one space."""


class SavedSearchMissingError(NotFoundError):
    """There is no such saved search, or it is somebody else's and not shared."""

    code = "saved_search_missing"
    title = "There is no such saved search"


class SavedSearches:
    """One's own, and those that others share in one's spaces; only their makers change them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._store = SavedStore()

    async def list(self, tx: Transaction, spaces: Spaces, user_id: UUID) -> Sequence[SavedSearch]:
        """By name."""
        return await self._store.list(tx, spaces, user_id)

    async def create(
        self,
        tx: Transaction,
        space_id: UUID,
        user_id: UUID,
        *,
        name: str,
        words: str,
        filters: Mapping[str, Any],
        is_shared: bool,
    ) -> SavedSearch:
        if await self._store.count(tx, space_id, user_id) >= MOST_SAVED:
            raise ConflictError(f"At most {MOST_SAVED} searches are saved. Remove one first.")
        new = SavedSearch(
            id=new_id(),
            space_id=space_id,
            user_id=user_id,
            name=_name(name),
            words=tidy_text(words)[:LONGEST_QUERY],
            filters=filters,
            is_shared=is_shared,
            created_at=self._clock.now(),
        )
        await self._store.add(tx, new)
        return new

    async def update(
        self,
        tx: Transaction,
        spaces: Spaces,
        user_id: UUID,
        id_: UUID,
        *,
        name: str | None = None,
        words: str | None = None,
        filters: Mapping[str, Any] | None = None,
        is_shared: bool | None = None,
    ) -> SavedSearch:
        """Changes what is given."""
        found = await self._own(tx, spaces, user_id, id_)
        changed = replace(
            found,
            name=found.name if name is None else _name(name),
            words=found.words if words is None else tidy_text(words)[:LONGEST_QUERY],
            filters=found.filters if filters is None else filters,
            is_shared=found.is_shared if is_shared is None else is_shared,
        )
        await self._store.save(tx, changed)
        return changed

    async def delete(self, tx: Transaction, spaces: Spaces, user_id: UUID, id_: UUID) -> None:
        found = await self._own(tx, spaces, user_id, id_)
        await self._store.remove(tx, found.id)

    async def _own(self, tx: Transaction, spaces: Spaces, user_id: UUID, id_: UUID) -> SavedSearch:
        found = await self._store.find(tx, spaces, user_id, id_)
        if found is None:
            raise SavedSearchMissingError
        if found.user_id != user_id:
            raise ForbiddenError("Somebody else shares this search. Save one of your own instead.")
        return found


class People:
    """The people whom references follow."""

    def __init__(self, hall: TranscriptService) -> None:
        self._hall = hall
        self._store = PeopleStore()

    async def list(
        self, tx: Transaction, spaces: Spaces, typed: str | None, limit: int
    ) -> Sequence[KnownPerson]:
        """Those heard last first."""
        return await self._store.list(tx, spaces, tidy_name(typed), limit)

    async def name(self, tx: Transaction, space_id: UUID, reference: str, name: str) -> None:
        """Says what a person is called; an empty name is forgotten."""
        await self._store.name(tx, space_id, _reference(reference), tidy_name(name) or "")

    async def merge(self, tx: Transaction, space_id: UUID, reference: str, into: str) -> int:
        """Two references turn out to be one person; says in how many conversations."""
        one, other = _reference(reference), _reference(into)
        if one == other:
            raise InvalidRequestError("into: another reference is needed.")
        ids = await self._store.merge(tx, space_id, one, other)
        for id_ in ids:
            await self._hall.change(tx, await self._hall.get(tx, None, id_), {})
        return len(ids)


def _name(name: str) -> str:
    tidied = tidy_name(name)
    if tidied is None:
        raise InvalidRequestError("name: something to call it is needed.")
    return tidied


def _reference(reference: str) -> str:
    tidied = tidy_name(reference)
    if tidied is None:
        raise InvalidRequestError("reference: whom it is about is needed.")
    return tidied
