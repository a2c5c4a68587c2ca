"""The filters of an address: which transcripts are meant, among those that the caller may see."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from pydantic import AwareDatetime

from tertulia.identity.access import Access
from tertulia.identity.domain import Principal
from tertulia.transcripts.domain import READ, Filter, Kind, tidy_language, tidy_name

Text = Annotated[str | None, Query(max_length=300)]
Texts = Annotated[list[str], Query(max_length=20)]


def filter_of(access: Access) -> Callable[..., Any]:
    """A dependency that gives the caller's filter. What is asked of a space they are not in is not found."""

    async def wanted(
        who: Annotated[Principal, Depends(access.require(READ))],
        space_id: Annotated[
            UUID | None, Query(description="Only this space; else every one the caller is in.")
        ] = None,
        kind: Annotated[list[Kind], Query(description="The doors they came through.")] = [],  # noqa: B006
        language: Texts = [],  # noqa: B006
        tag: Annotated[Texts, Query(description="All of these.")] = [],  # noqa: B006
        speaker: Annotated[Text, Query(description="Somebody of exactly this name speaks.")] = None,
        person: Annotated[Text, Query(description="This person speaks.")] = None,
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
        min_seconds: Annotated[float | None, Query(ge=0, allow_inf_nan=False)] = None,
        max_seconds: Annotated[float | None, Query(ge=0, allow_inf_nan=False)] = None,
        engine: Annotated[Text, Query(description="Read by this engine.")] = None,
    ) -> Filter:
        if space_id is not None:
            who.need_role(space_id)
        codes = (tidy_language(code) for code in language)
        return Filter(
            spaces=[space_id] if space_id else list(who.roles),
            kinds=kind,
            languages=[code.split("-")[0] for code in codes if code],
            tags=[tidied for t in tag if (tidied := tidy_name(t))],
            speaker=tidy_name(speaker),
            person=tidy_name(person),
            since=since,
            until=until,
            shortest_seconds=min_seconds,
            longest_seconds=max_seconds,
            provider=tidy_name(engine),
        )

    return wanted
