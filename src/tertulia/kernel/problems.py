"""How errors stand in the API's description."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tertulia.kernel.errors import InvalidRequestError, TertuliaError


class Problem(BaseModel):
    """An RFC 9457 problem document: what happened, and what to do about it."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:tertulia:error:not_found"])
    title: str = Field(examples=["There is nothing here by that name"])
    status: int = Field(examples=[404])
    detail: str = Field(
        description="What happened and how to put it right.", examples=["There is no such space."]
    )
    code: str = Field(description="Stable; programs go by it.", examples=["not_found"])
    correlation_id: str | None = Field(None, description="Names this request in the server's log.")


def problems(*errors: type[TertuliaError]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with `errors`, and with 422 for values that are wrong."""
    listed: list[type[TertuliaError]] = [*errors, InvalidRequestError]
    by_status: dict[int | str, dict[str, Any]] = {}
    for error in listed:
        said = f"{error.title} (`{error.code}`)."
        response = by_status.setdefault(int(error.status), {"model": Problem, "description": ""})
        response["description"] = f"{response['description']} {said}".strip()
    return by_status
