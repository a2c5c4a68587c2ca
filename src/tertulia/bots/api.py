"""Bots over HTTP: listed, made, changed, removed, taken along as files, tried without being saved."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response

from tertulia.blobs.disposition import content_disposition
from tertulia.bots.domain import (
    READ,
    WRITE,
    Bot,
    BotFileError,
    BotMissingError,
    BotNameTakenError,
    BotOutdatedError,
    BotShippedError,
    Rights,
    TooManyBotsError,
    keeping_secrets,
)
from tertulia.bots.protocol import BotCreate, BotList, BotOut, BotUpdate, TrialBody, TrialOut
from tertulia.bots.script import ScriptInvalidError
from tertulia.bots.service import BotService, check, to_file
from tertulia.bots.thinking import Question, Thinker, Thought
from tertulia.bots.turn import TurnService
from tertulia.identity.access import Access
from tertulia.identity.domain import Principal, Role
from tertulia.identity.errors import CrossSiteError, MissingScopeError
from tertulia.kernel.clock import Clock
from tertulia.kernel.errors import (
    ForbiddenError,
    NotFoundError,
    NotSignedInError,
    PayloadTooLargeError,
    TertuliaError,
)
from tertulia.kernel.http import Router, TransactionRoute, Tx
from tertulia.kernel.ids import new_id
from tertulia.kernel.problems import problems
from tertulia.language.errors import LanguageError
from tertulia.ledger.domain import BudgetExceededError, Spender
from tertulia.ledger.service import Ledger
from tertulia.transcripts.domain import READ as READ_HALL

Id = Annotated[UUID, Path(alias="id")]
SpaceId = Annotated[UUID | None, Query(description="The caller's active space without it.")]

MEDIA_TYPE = "application/toml"
MOST_FILE_BYTES = 1_048_576
GUARDED = (NotSignedInError, ForbiddenError, MissingScopeError, CrossSiteError, NotFoundError)
CHANGED = (*GUARDED, ScriptInvalidError, BotNameTakenError)


def rights_of(who: Principal, space_id: UUID, name: str = "") -> Rights:
    """What a bot may do in somebody's name: search where they are, if they may search at all."""
    return Rights((space_id,), who.can(READ_HALL), name)


def router(
    service: BotService, turns: TurnService, ledger: Ledger, access: Access, clock: Clock
) -> APIRouter:
    """`/api/bots`: members talk to the bots of their spaces, admins change them."""
    api = Router(prefix="/api/bots", tags=["bots"], route_class=TransactionRoute)
    _add_reading(api, service, turns, access)
    _add_making(api, service, turns, access)
    _add_trial(api, service, turns.thinker, ledger, access, clock)
    _add_changing(api, service, turns, access)
    return api


def shown(service: BotService, turns: TurnService, bot: Bot) -> BotOut:
    """A bot with what it hears and thinks with just now; a chain with an engine that is gone is as it was written."""
    try:
        thinks_with = turns.thinker.chain(bot)
    except TertuliaError:
        thinks_with = ",".join(bot.llm)
    hears_with, cannot_hear = turns.hears(bot)
    return BotOut.of(
        bot,
        thinks_with=thinks_with,
        hears_with=hears_with,
        cannot_hear=cannot_hear,
        cannot_call=service.cannot_call(bot),
        says_first=turns.thinker.greeting(bot, Rights()),
    )


def _add_reading(api: APIRouter, service: BotService, turns: TurnService, access: Access) -> None:
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type

    @api.get("", summary="List the bots", responses=problems(*GUARDED))
    async def list_bots(tx: Tx, who: Reader, space_id: SpaceId = None) -> BotList:
        """Those of the space, then those that come with the server."""
        found = await service.list(tx, [who.space(space_id)])
        return BotList(items=[shown(service, turns, bot) for bot in found])

    @api.get("/{id}", summary="Look at a bot", responses=problems(*GUARDED, BotMissingError))
    async def get_bot(tx: Tx, who: Reader, id_: Id) -> BotOut:
        """Its whole definition; secrets in headers are dots."""
        bot = await service.get(tx, list(who.roles), id_)
        return shown(service, turns, bot)

    @api.get(
        "/{id}/export",
        response_class=Response,
        summary="Take a bot along as a file",
        responses={
            **problems(*GUARDED, BotMissingError),
            200: {"description": "The file.", "content": {MEDIA_TYPE: {}}},
        },
    )
    async def export_bot(tx: Tx, who: Reader, id_: Id) -> Response:
        """TOML, without the secrets in its tools' headers."""
        bot = await service.get(tx, list(who.roles), id_)
        name = content_disposition(f"{bot.name}.toml", MEDIA_TYPE, download=True)
        return Response(to_file(bot), media_type=MEDIA_TYPE, headers={"Content-Disposition": name})


def _add_making(api: APIRouter, service: BotService, turns: TurnService, access: Access) -> None:
    Writer = Annotated[Principal, Depends(access.require(WRITE))]  # noqa: N806 - a type

    @api.post(
        "",
        status_code=201,
        summary="Make a bot",
        responses=problems(*CHANGED, TooManyBotsError),
    )
    async def create_bot(tx: Tx, who: Writer, body: BotCreate) -> BotOut:
        """For admins of the space."""
        space_id = _administered(who, body.space_id)
        made = await service.create(tx, space_id, body.bot(new_id(), space_id))
        return shown(service, turns, made)

    # The body is read inside, after the caller is known.
    @api.post(
        "/import",
        status_code=201,
        summary="Make a bot of a file",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
            }
        },
        responses=problems(*CHANGED, TooManyBotsError, BotFileError, PayloadTooLargeError),
    )
    async def import_bot(request: Request, tx: Tx, who: Writer, space_id: SpaceId = None) -> BotOut:
        """The body is the file as it was exported; a name that is taken gets a number."""
        space = _administered(who, space_id)
        made = await service.import_file(tx, space, await _body(request))
        return shown(service, turns, made)


def _add_changing(api: APIRouter, service: BotService, turns: TurnService, access: Access) -> None:
    Writer = Annotated[Principal, Depends(access.require(WRITE))]  # noqa: N806 - a type
    known = (*GUARDED, BotMissingError, BotShippedError)

    @api.put(
        "/{id}", summary="Change a bot", responses=problems(*known, *CHANGED, BotOutdatedError)
    )
    async def update_bot(tx: Tx, who: Writer, id_: Id, body: BotUpdate) -> BotOut:
        """The whole definition takes the place of the old one; for admins of the space."""
        await _may_change(service, tx, who, id_)
        new = body.bot(id_, None)
        changed = await service.update(tx, list(who.roles), id_, new, body.version)
        return shown(service, turns, changed)

    @api.delete("/{id}", status_code=204, summary="Remove a bot", responses=problems(*known))
    async def delete_bot(tx: Tx, who: Writer, id_: Id) -> None:
        """What was said with it stays; for admins of the space."""
        await _may_change(service, tx, who, id_)
        await service.delete(tx, list(who.roles), id_)


def _add_trial(
    api: APIRouter,
    service: BotService,
    thinker: Thinker,
    ledger: Ledger,
    access: Access,
    clock: Clock,
) -> None:
    Writer = Annotated[Principal, Depends(access.require(WRITE))]  # noqa: N806 - a type

    @api.post(
        "/trial",
        summary="Try a bot",
        responses=problems(*GUARDED, ScriptInvalidError, BudgetExceededError, LanguageError),
    )
    async def try_bot(
        tx: Tx,
        who: Writer,
        body: Annotated[TrialBody, Body(openapi_examples=_TRIAL)],
    ) -> TrialOut:
        """One turn in text of a bot that need not be saved; nothing of it is kept. For admins of the space."""
        space_id = _administered(who, body.space_id)
        saved = None
        if body.bot_id is not None:
            await _may_change(service, tx, who, body.bot_id)
            saved = await service.get(tx, list(who.roles), body.bot_id)
        asked = body.bot.bot(saved.id if saved else new_id(), space_id)
        bot = check(keeping_secrets(asked, saved))
        rights = rights_of(who, space_id)
        if not body.said.strip() and not body.state:
            return _tried(thinker.greeting(bot, rights), Thought(), 0)
        spender = Spender(space_id, who.key_id)
        chain = await ledger.allowed(tx, spender, thinker.chain(bot))
        # the model may take its time: the connection is given back before
        await tx.session.rollback()
        question = Question(
            bot=bot,
            said=body.said,
            rights=rights,
            history=[earlier.exchange() for earlier in body.history],
            state=body.state,
            chain=chain,
        )
        thought, began = Thought(), clock.monotonic()
        reply = "".join([piece async for piece in thinker.reply(question, thought)])
        return _tried(reply, thought, round((clock.monotonic() - began) * 1000))


def _tried(reply: str, thought: Thought, llm_ms: int) -> TrialOut:
    return TrialOut(
        reply=reply,
        state=thought.state,
        provider=thought.provider,
        intent=thought.intent,
        form=thought.form,
        values=thought.values,
        tools=thought.tools,
        ends=thought.ends,
        llm_ms=llm_ms,
    )


def _administered(who: Principal, asked: UUID | None) -> UUID:
    space_id = who.space(asked)
    who.need_role(space_id, Role.ADMIN)
    return space_id


async def _may_change(service: BotService, tx: Tx, who: Principal, id_: UUID) -> None:
    bot = await service.get(tx, list(who.roles), id_)
    if bot.space_id is None:
        raise BotShippedError("Copy it, and change the copy.")
    who.need_role(bot.space_id, Role.ADMIN)


async def _body(request: Request) -> bytes:
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > MOST_FILE_BYTES:
            raise PayloadTooLargeError(f"A bot's file has at most {MOST_FILE_BYTES} bytes.")
    return data


_TRIAL: dict[str, Any] = {
    "script": {
        "summary": "A script",
        "value": {
            "bot": {
                "name": "Door",
                "llm": ["offline"],
                "script": '[[intents]]\nname = "hello"\nwhen = "hello"\nsay = "Good day."\n',
            },
            "said": "Hello there",
        },
    }
}
