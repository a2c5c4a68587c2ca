"""What a bot may do besides speaking: requests to hosts it was allowed, and a search with the caller's rights."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import httpx
import structlog

from tertulia.bots.domain import SEARCH_TOOL, Bot, HttpTool, Rights, allows, host_of, secret_place
from tertulia.kernel.database import Database
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.sealing import Seal, Sealed
from tertulia.language.domain import Tool
from tertulia.speech.formats import clock
from tertulia.transcripts.domain import Filter
from tertulia.transcripts.searching import Hit, Order, Query
from tertulia.transcripts.service import TranscriptService

log = structlog.get_logger(__name__)

MOST_ANSWER_BYTES = 16_384
MOST_HITS = 8
FAILED = "The tool failed: "

SEARCH = Tool(
    SEARCH_TOOL,
    "Searches what was said in earlier conversations and gives the passages found.",
    {
        "type": "object",
        "properties": {"words": {"type": "string", "description": "What to look for."}},
        "required": ["words"],
        "additionalProperties": False,
    },
)


class Searches(Protocol):
    """Finds passages of earlier conversations, where the caller may look."""

    async def search(self, words: str, rights: Rights) -> Sequence[str]: ...


class HallSearch:
    """Searches the hall."""

    def __init__(self, database: Database, hall: TranscriptService) -> None:
        self._database = database
        self._hall = hall

    async def search(self, words: str, rights: Rights) -> Sequence[str]:
        if not rights.may_search:
            return []
        async with self._database.transaction() as tx:
            hits = await self._hall.search(
                tx, Query.parse(words), Filter(rights.spaces), order=Order.RANK, limit=MOST_HITS
            )
        return [_passage(hit) for hit in hits[:MOST_HITS]]


class Toolbox:
    """Carries out what a bot asks for. Nothing it does raises: a model, or a script, is told what went wrong."""

    def __init__(self, client: httpx.AsyncClient, search: Searches, seal: Seal) -> None:
        """`client` is the guarded one: it reaches no internal address and follows no redirect."""
        self._client = client
        self._search = search
        self._seal = seal

    async def close(self) -> None:
        await self._client.aclose()

    @staticmethod
    def of(bot: Bot, rights: Rights) -> tuple[Tool, ...]:
        """What a model is offered."""
        own = tuple(Tool(t.name, t.description, _schema(t)) for t in bot.tools)
        return (*own, SEARCH) if bot.may_search and rights.may_search else own

    async def call(self, bot: Bot, rights: Rights, name: str, arguments: Mapping[str, Any]) -> str:
        """The tool's answer as text."""
        if name == SEARCH_TOOL and bot.may_search:
            return await self._searched(str(arguments.get("words", "")), rights)
        tool = bot.tool(name)
        if tool is None:
            return f"{FAILED}there is none of that name."
        missing = [p.name for p in tool.parameters if p.required and p.name not in arguments]
        if missing:
            return f"{FAILED}{', '.join(missing)} is missing."
        return await self._asked(bot, tool, arguments)

    async def _searched(self, words: str, rights: Rights) -> str:
        try:
            found = await self._search.search(words, rights)
        except TertuliaError as error:
            return f"{FAILED}{error.title}."
        return "\n".join(found) or "Nothing was found."

    async def _asked(self, bot: Bot, tool: HttpTool, arguments: Mapping[str, Any]) -> str:
        url, rest = _address(tool, arguments)
        host = host_of(url)
        if host is None or not allows(bot.allowed_hosts, host):
            return f"{FAILED}its host is not one the bot may ask."
        try:
            return await self._answer(tool, url, rest, self._headers(bot, tool))
        except TertuliaError as error:
            log.warning("tool refused", bot=str(bot.id), tool=tool.name, code=error.code)
            return f"{FAILED}{error.title}."
        except httpx.HTTPError as error:
            log.warning("tool failed", bot=str(bot.id), tool=tool.name, kind=type(error).__name__)
            return f"{FAILED}it did not answer."

    def _headers(self, bot: Bot, tool: HttpTool) -> dict[str, str]:
        """Its secrets in plain, for as long as the request takes."""
        return {
            name: self._seal.open(value, secret_place(bot.id, tool.name, name))
            if isinstance(value, Sealed)
            else value
            for name, value in tool.headers.items()
        }

    async def _answer(
        self, tool: HttpTool, url: str, rest: Mapping[str, Any], own: Mapping[str, str]
    ) -> str:
        body = json.dumps(rest).encode() if tool.method == "POST" else None
        headers = {"Accept": "application/json, text/*;q=0.9", **own}
        if body is not None:
            headers = {"Content-Type": "application/json", **headers}
        else:
            url = _with_query(url, rest)
        async with self._client.stream(tool.method, url, content=body, headers=headers) as response:
            data = b""
            async for part in response.aiter_bytes():
                data += part
                if len(data) >= MOST_ANSWER_BYTES:
                    break
        if response.status_code >= 300:
            return f"{FAILED}it answered {response.status_code}."
        return data[:MOST_ANSWER_BYTES].decode("utf-8", "replace")


def _schema(tool: HttpTool) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            p.name: {"type": p.kind, "description": p.description} for p in tool.parameters
        },
        "required": [p.name for p in tool.parameters if p.required],
        "additionalProperties": False,
    }


def _address(tool: HttpTool, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The address with its parameters in it, quoted whole, so that none can lead elsewhere; and those left over."""
    known = {p.name: arguments[p.name] for p in tool.parameters if p.name in arguments}
    url, rest = tool.url, {}
    for name, value in known.items():
        place = f"{{{name}}}"
        if place in url:
            # dots alone would climb up the path
            written = quote(_written(value), safe="")
            url = url.replace(place, "%2E" * len(written) if set(written) == {"."} else written)
        else:
            rest[name] = value
    for parameter in tool.parameters:
        url = url.replace(f"{{{parameter.name}}}", "")
    return url, rest


def _with_query(url: str, rest: Mapping[str, Any]) -> str:
    if not rest:
        return url
    parts = urlsplit(url)
    more = urlencode({name: _written(value) for name, value in rest.items()})
    return urlunsplit(parts._replace(query=f"{parts.query}&{more}" if parts.query else more))


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:2_000]


def _passage(hit: Hit) -> str:
    """`2026-03-02 00:01:09 Ana (Monday's meeting): what she said`."""
    when = f"{hit.transcript.started_at:%Y-%m-%d} {clock(hit.segment.start)[:8]}"
    who = hit.segment.speaker or "Somebody"
    return f"{when} {who} ({hit.transcript.title or hit.transcript.kind.value}): {hit.segment.text[:600]}"
