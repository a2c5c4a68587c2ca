"""API keys."""

from typing import Annotated

from fastapi import APIRouter, Depends

from tertulia.identity.access import Access
from tertulia.identity.api.addresses import Id
from tertulia.identity.api.models import KeyCreate, KeyCreated, KeyList, KeyOut, ScopeOut
from tertulia.identity.domain import IDENTITY_READ, KEYS, Principal
from tertulia.identity.errors import CrossSiteError, MissingScopeError
from tertulia.identity.service import IdentityService
from tertulia.kernel.errors import ForbiddenError, NotFoundError, NotSignedInError
from tertulia.kernel.http import Router, TransactionRoute, Tx
from tertulia.kernel.problems import problems

KEYED = (NotSignedInError, ForbiddenError, MissingScopeError, CrossSiteError)


def router(identity: IdentityService, access: Access) -> APIRouter:
    """`/keys` and `/scopes`."""
    api = Router(tags=["keys"], route_class=TransactionRoute)
    _add_keys(api, identity, access)

    @api.get(
        "/scopes",
        summary="What can a key be allowed?",
        dependencies=[Depends(access.require(IDENTITY_READ))],
        responses=problems(NotSignedInError, MissingScopeError),
    )
    async def list_scopes() -> list[ScopeOut]:
        """Every scope there is on this server."""
        return [ScopeOut.of(scope) for scope in identity.scopes]

    return api


def _add_keys(api: APIRouter, identity: IdentityService, access: Access) -> None:
    Keeper = Annotated[Principal, Depends(access.require(KEYS))]  # noqa: N806 - a type

    @api.get("/keys", summary="List my API keys", responses=problems(*KEYED))
    async def list_keys(tx: Tx, who: Keeper) -> KeyList:
        """Those that work, newest first, without their secrets."""
        return KeyList(items=[KeyOut.of(key) for key in await identity.keys.list(tx, who)])

    @api.post(
        "/keys",
        status_code=201,
        summary="Make an API key",
        responses=problems(*KEYED, NotFoundError),
    )
    async def create_key(tx: Tx, who: Keeper, body: KeyCreate) -> KeyCreated:
        """The secret is in this answer and never seen again. A key makes no key that may do more than it."""
        key, secret = await identity.keys.create(
            tx,
            who,
            name=body.name,
            scopes=body.scopes,
            space_id=body.space_id,
            expires_at=body.expires_at,
        )
        return KeyCreated.with_secret(key, secret)

    @api.delete(
        "/keys/{id}",
        status_code=204,
        summary="Revoke an API key",
        responses=problems(*KEYED, NotFoundError),
    )
    async def revoke_key(tx: Tx, who: Keeper, id_: Id) -> None:
        """It stops working at once, and what it has open is cut within five seconds on every node."""
        await identity.keys.revoke(tx, who, id_)
