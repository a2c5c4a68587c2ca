"""Webhooks over HTTP, for admins and owners of a space."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from tertulia.identity.access import Access
from tertulia.identity.domain import WEBHOOKS, Principal, Role
from tertulia.identity.errors import CrossSiteError, MissingScopeError
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import ForbiddenError, NotFoundError, NotSignedInError
from tertulia.kernel.http import Cursor, Limit, Router, TransactionRoute, Tx
from tertulia.kernel.outbound import OutboundRefusedError
from tertulia.kernel.pages import Page, Position, cut
from tertulia.kernel.problems import problems
from tertulia.webhooks.domain import (
    Delivery,
    Endpoint,
    TooManyWebhooksError,
    UnknownDeliveryError,
    UnknownWebhookError,
    WebhookDisabledError,
)
from tertulia.webhooks.protocol import (
    DeliveryDetail,
    DeliveryOut,
    EventTypeOut,
    WebhookCreate,
    WebhookCreated,
    WebhookList,
    WebhookOut,
    WebhookUpdate,
)
from tertulia.webhooks.service import Webhooks

Id = Annotated[UUID, Path(alias="id")]

GUARDED = (NotSignedInError, ForbiddenError, MissingScopeError, CrossSiteError)


def router(webhooks: Webhooks, access: Access) -> APIRouter:
    """`/api/webhooks` and what is below it."""
    api = Router(prefix="/api/webhooks", tags=["webhooks"], route_class=TransactionRoute)
    _add_endpoints(api, webhooks, access)
    _add_deliveries(api, webhooks, access)
    _add_endpoint(api, webhooks, access)
    _add_trial(api, webhooks, access)
    return api


async def _endpoint(tx: Transaction, webhooks: Webhooks, who: Principal, id_: UUID) -> Endpoint:
    """The webhook, if the caller is an admin of its space; one of a foreign space is unknown."""
    endpoint = await webhooks.get(tx, id_)
    if not who.in_space(endpoint.space_id):
        raise UnknownWebhookError
    who.need_role(endpoint.space_id, Role.ADMIN)
    return endpoint


async def _delivery(
    tx: Transaction, webhooks: Webhooks, who: Principal, id_: UUID
) -> tuple[Delivery, str]:
    delivery, endpoint, body = await webhooks.delivery(tx, id_)
    if not who.in_space(endpoint.space_id):
        raise UnknownDeliveryError
    who.need_role(endpoint.space_id, Role.ADMIN)
    return delivery, body


def _add_endpoints(api: APIRouter, webhooks: Webhooks, access: Access) -> None:
    Admin = Annotated[Principal, Depends(access.require(WEBHOOKS))]  # noqa: N806 - a type
    space = Query(description="Only those of this space; else of every space one is an admin of.")

    @api.get("", summary="List webhooks", responses=problems(*GUARDED, NotFoundError))
    async def list_webhooks(
        tx: Tx, who: Admin, space_id: Annotated[UUID | None, space] = None
    ) -> WebhookList:
        """Newest first, without their secrets."""
        if space_id is not None:
            who.need_role(space_id, Role.ADMIN)
            spaces = [space_id]
        else:
            spaces = [id_ for id_, role in who.roles.items() if role.at_least(Role.ADMIN)]
        return WebhookList(items=[WebhookOut.of(e) for e in await webhooks.list(tx, spaces)])

    @api.post(
        "",
        status_code=201,
        summary="Make a webhook",
        responses=problems(*GUARDED, NotFoundError, TooManyWebhooksError, OutboundRefusedError),
    )
    async def create_webhook(tx: Tx, who: Admin, body: WebhookCreate) -> WebhookCreated:
        """The secret is in this answer and never seen again."""
        who.need_role(body.space_id, Role.ADMIN)
        endpoint = await webhooks.create(
            tx,
            space_id=body.space_id,
            url=body.url,
            types=body.types,
            description=body.description,
            created_by=who.user_id,
        )
        return WebhookCreated.of(endpoint)

    @api.get(
        "/types",
        summary="Which events are there?",
        dependencies=[Depends(access.require(WEBHOOKS))],
        responses=problems(*GUARDED),
    )
    async def list_event_types() -> list[EventTypeOut]:
        """Every kind of event that webhooks can ask for, with an example."""
        return [EventTypeOut.of(type_) for type_ in webhooks.types]


def _add_endpoint(api: APIRouter, webhooks: Webhooks, access: Access) -> None:
    Admin = Annotated[Principal, Depends(access.require(WEBHOOKS))]  # noqa: N806 - a type
    known = (*GUARDED, UnknownWebhookError)

    @api.patch(
        "/{id}", summary="Change a webhook", responses=problems(*known, OutboundRefusedError)
    )
    async def update_webhook(tx: Tx, who: Admin, id_: Id, body: WebhookUpdate) -> WebhookOut:
        """Switching one on again also forgets its failures."""
        await _endpoint(tx, webhooks, who, id_)
        return WebhookOut.of(await webhooks.update(tx, id_, **body.model_dump()))

    @api.delete("/{id}", status_code=204, summary="Remove a webhook", responses=problems(*known))
    async def delete_webhook(tx: Tx, who: Admin, id_: Id) -> None:
        """Removes it with its deliveries; what is on its way is not delivered."""
        await _endpoint(tx, webhooks, who, id_)
        await webhooks.delete(tx, id_)

    @api.post("/{id}/rotate", summary="Give a webhook a new secret", responses=problems(*known))
    async def rotate_webhook_secret(tx: Tx, who: Admin, id_: Id) -> WebhookCreated:
        """For a day deliveries carry a signature of the old secret beside that of the new one."""
        await _endpoint(tx, webhooks, who, id_)
        return WebhookCreated.of(await webhooks.rotate(tx, id_))


def _add_trial(api: APIRouter, webhooks: Webhooks, access: Access) -> None:
    """Trying a webhook out, and seeing what came of everything it was sent."""
    Admin = Annotated[Principal, Depends(access.require(WEBHOOKS))]  # noqa: N806 - a type
    known = (*GUARDED, UnknownWebhookError)

    @api.post(
        "/{id}/test",
        status_code=202,
        summary="Try a webhook out",
        responses=problems(*known, WebhookDisabledError),
    )
    async def test_webhook(tx: Tx, who: Admin, id_: Id) -> DeliveryOut:
        """Sends it the event `webhook.test`; the delivery says what came of it."""
        await _endpoint(tx, webhooks, who, id_)
        return DeliveryOut.of(await webhooks.test(tx, id_))

    @api.get("/{id}/deliveries", summary="List a webhook's deliveries", responses=problems(*known))
    async def list_deliveries(
        tx: Tx, who: Admin, id_: Id, cursor: Cursor = None, limit: Limit = 50
    ) -> Page[DeliveryOut]:
        """Newest first."""
        await _endpoint(tx, webhooks, who, id_)
        rows = await webhooks.deliveries(tx, id_, Position.parse(cursor), limit + 1)
        page, last = cut(rows, limit)
        return Page(
            items=[DeliveryOut.of(delivery) for delivery in page],
            next_cursor=Position(last.created_at, last.id).cursor() if last else None,
        )


def _add_deliveries(api: APIRouter, webhooks: Webhooks, access: Access) -> None:
    Admin = Annotated[Principal, Depends(access.require(WEBHOOKS))]  # noqa: N806 - a type
    known = (*GUARDED, UnknownDeliveryError)

    @api.get("/deliveries/{id}", summary="Look at a delivery", responses=problems(*known))
    async def get_delivery(tx: Tx, who: Admin, id_: Id) -> DeliveryDetail:
        """What was sent, and each of its tries."""
        delivery, body = await _delivery(tx, webhooks, who, id_)
        return DeliveryDetail.with_log(delivery, body, await webhooks.attempts(tx, id_))

    @api.post(
        "/deliveries/{id}/replay",
        status_code=202,
        summary="Deliver an event once more",
        responses=problems(*known, WebhookDisabledError),
    )
    async def replay_delivery(tx: Tx, who: Admin, id_: Id) -> DeliveryOut:
        """A new delivery of the same event under the same message id."""
        await _delivery(tx, webhooks, who, id_)
        return DeliveryOut.of(await webhooks.replay(tx, id_))
