"""Questions over HTTP: to one conversation, or to all that a filter leaves."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path

from tertulia.analysis.asking import Asking
from tertulia.analysis.domain import RUN, NothingSaidError, Requester
from tertulia.analysis.protocol import AnswerOut, Ask
from tertulia.identity.access import Access
from tertulia.identity.domain import Principal
from tertulia.identity.errors import CrossSiteError, MissingScopeError
from tertulia.kernel.errors import ForbiddenError, NotFoundError, NotSignedInError
from tertulia.kernel.http import Router
from tertulia.kernel.problems import problems
from tertulia.language import errors
from tertulia.ledger.domain import BudgetExceededError
from tertulia.transcripts.domain import READ, Filter
from tertulia.transcripts.errors import TranscriptMissingError
from tertulia.transcripts.filtering import filter_of

Id = Annotated[UUID, Path(alias="id")]
KNOWN = (
    NotSignedInError,
    ForbiddenError,
    MissingScopeError,
    CrossSiteError,
    BudgetExceededError,
    errors.UnknownModelError,
    errors.LanguageError,
    errors.ModelUnavailableError,
    errors.ModelTimeoutError,
)


def router(asking: Asking, access: Access) -> APIRouter:
    """Its routes hold no transaction: a model may think for a minute."""
    api = Router(prefix="/api", tags=["analysis"])
    Reader = Annotated[Principal, Depends(access.require(READ))]  # noqa: N806 - a type
    Runner = Annotated[Principal, Depends(access.require(RUN))]  # noqa: N806 - a type
    Wanted = Annotated[Filter, Depends(filter_of(access))]  # noqa: N806 - a type

    @api.post(
        "/transcripts/{id}/ask",
        summary="Ask a conversation",
        responses=problems(*KNOWN, TranscriptMissingError, NothingSaidError),
    )
    async def ask_transcript(who: Runner, _: Reader, id_: Id, body: Ask) -> AnswerOut:
        """Answers from what was said, with citations, or says that it was not."""
        found = await asking.one(
            list(who.roles),
            id_,
            body.question,
            chain=body.chain,
            requester=Requester(who.user_id, who.key_id),
        )
        return AnswerOut.of(found)

    @api.post(
        "/search/ask", summary="Ask all conversations", responses=problems(*KNOWN, NotFoundError)
    )
    async def ask_search(who: Runner, wanted: Wanted, body: Ask) -> AnswerOut:
        """Answers from what the filters leave, as a search does; the caller's active space pays."""
        space_id = wanted.spaces[0] if len(wanted.spaces) == 1 else who.space(None)
        found = await asking.search(
            wanted,
            space_id,
            body.question,
            chain=body.chain,
            requester=Requester(who.user_id, who.key_id),
        )
        return AnswerOut.of(found)

    return api
