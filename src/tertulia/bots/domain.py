"""What a bot is: who it is, how it hears, thinks and speaks, what it may do, and where it ends."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from tertulia.kernel.errors import ConflictError, InvalidRequestError, NotFoundError
from tertulia.kernel.sealing import Sealed

READ = "bots:read"
WRITE = "bots:write"

MOST_BOTS = 500
"""In one space."""
MOST_TOOLS = 32
LONGEST_PERSONA = 20_000
LONGEST_HEADER = 4_000
MASK = "••••••••"
"""Stands for the value of a tool's header, which is shown to nobody again."""
SEARCH_TOOL = "search_conversations"

_TOOL_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_HOST = re.compile(r"(?:\*\.)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:]+\]")
_PLACE = re.compile(r"\{([^{}]*)\}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,80}")


class BotMissingError(NotFoundError):
    """There is no such bot, or it is in a space that the caller is not in."""

    code = "bot_missing"
    title = "There is no such bot"


class BotShippedError(ConflictError):
    """A bot that comes with the server is not changed; a copy of it is."""

    code = "bot_shipped"
    title = "This bot comes with the server"


class BotOutdatedError(ConflictError):
    """The bot was changed since the version that the request names."""

    code = "bot_outdated"
    title = "The bot has changed meanwhile"


class BotNameTakenError(ConflictError):
    """Two bots of one space cannot have one name."""

    code = "bot_name_taken"
    title = "There is a bot of this name"


class TooManyBotsError(ConflictError):
    """A space has as many bots as it may have."""

    code = "too_many_bots"
    title = "The space has too many bots"


class BotFileError(InvalidRequestError):
    """The file is not a bot's."""

    code = "bot_file_unreadable"
    title = "The file cannot be read as a bot"


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something a tool is given."""

    name: str
    description: str = ""
    kind: Literal["string", "number", "boolean"] = "string"
    required: bool = True


@dataclass(frozen=True, slots=True)
class HttpTool:
    """A request the bot may make. Its host stands in the address and cannot be put there by what was said."""

    name: str
    description: str
    url: str
    method: Literal["GET", "POST"] = "GET"
    parameters: tuple[Parameter, ...] = ()
    headers: Mapping[str, str | Sealed] = field(default_factory=dict, repr=False)
    """Sealed as soon as the bot is kept; opened when the request is made, and at no other time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a turn ends, whatever happens."""

    hear_seconds: float = 120.0
    think_seconds: float = 60.0
    speak_seconds: float = 60.0
    """For one sentence."""
    reply_characters: int = 4_000
    tool_calls: int = 4
    history_turns: int = 10


@dataclass(frozen=True, slots=True)
class Bot:
    """Who answers. Chains that are empty mean the server's own; `space_id` is None of a bot that is shipped."""

    id: UUID
    space_id: UUID | None
    name: str
    persona: str = ""
    language: str | None = None
    voice: str | None = None
    speed: float = 1.0
    stt: tuple[str, ...] = ()
    llm: tuple[str, ...] = ()
    tts: tuple[str, ...] = ()
    greeting: str = ""
    script: str = ""
    tools: tuple[HttpTool, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    may_search: bool = False
    limits: Limits = Limits()
    version: int = 1
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def is_shipped(self) -> bool:
        return self.space_id is None

    def tool(self, name: str) -> HttpTool | None:
        return next((tool for tool in self.tools if tool.name == name), None)


@dataclass(frozen=True, slots=True)
class Rights:
    """In whose name a turn happens: a bot may look only where they may."""

    spaces: tuple[UUID, ...] = ()
    may_search: bool = False
    name: str = ""
    """What the bot may call them."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """An earlier turn, as a door remembers it."""

    said: str
    replied: str


def checked(bot: Bot, scripted_tools: Iterable[str] = ()) -> Bot:
    """The bot in one spelling; what could never work is refused where it stands."""
    bot = replace(bot, name=" ".join(bot.name.split()))
    if not bot.name:
        raise InvalidRequestError("name: give the bot one.")
    hosts = tuple(dict.fromkeys(host.strip().lower() for host in bot.allowed_hosts if host.strip()))
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise InvalidRequestError(
                "allowed_hosts: give names like api.example.org or *.example.org."
            )
    names = [tool.name for tool in bot.tools]
    if len(set(names)) < len(names):
        raise InvalidRequestError("tools: two have the same name.")
    for tool in bot.tools:
        _check_tool(tool, hosts)
    unknown = sorted(set(scripted_tools) - set(names))
    if unknown:
        raise InvalidRequestError(
            f"script: it calls {', '.join(unknown)}, which is no tool of the bot."
        )
    return replace(bot, allowed_hosts=hosts)


def _check_tool(tool: HttpTool, hosts: Sequence[str]) -> None:
    where = f"tools ({tool.name[:40]})"
    if not _TOOL_NAME.fullmatch(tool.name) or tool.name == SEARCH_TOOL:
        raise InvalidRequestError(
            f"{where}: a name is small letters, digits and _, as in find_order."
        )
    host = host_of(tool.url)
    if host is None:
        raise InvalidRequestError(
            f"{where}.url: give an http or https address whose host has no {{…}} in it."
        )
    if not allows(hosts, host):
        raise InvalidRequestError(f"{where}.url: add its host to allowed_hosts.")
    known = {parameter.name for parameter in tool.parameters}
    if len(known) < len(tool.parameters):
        raise InvalidRequestError(f"{where}.parameters: two have the same name.")
    unknown = [name for name in _PLACE.findall(tool.url) if name not in known]
    if unknown:
        raise InvalidRequestError(f"{where}.url: there is no parameter {unknown[0][:40]!r}.")
    for name, value in tool.headers.items():
        if not _HEADER.fullmatch(name) or not (isinstance(value, Sealed) or _sendable(value)):
            raise InvalidRequestError(f"{where}.headers: {name[:40]!r} cannot be sent.")


def _sendable(value: str) -> bool:
    return value.isascii() and value.isprintable() and len(value) <= LONGEST_HEADER


def secret_place(bot: UUID, tool: str, header: str) -> str:
    """Where a sealed value belongs, and nowhere else."""
    return f"bot:{bot}:{tool}:{header.lower()}"


def host_of(url: str) -> str | None:
    """The host of an address a tool may have, or None."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    fixed = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in ("http", "https") or not host or set("{}@\\ ") & set(fixed):
        return None
    return host.lower()


def allows(hosts: Sequence[str], host: str) -> bool:
    """Whether a host is one of those listed; `*.example.org` lists those below it."""
    return any(
        host == listed.strip("[]") or (listed.startswith("*.") and host.endswith(listed[1:]))
        for listed in hosts
    )


def keeping_secrets(new: Bot, old: Bot | None) -> Bot:
    """The new definition with the old values of headers that came back masked."""
    return replace(new, tools=tuple(_keeping(tool, old) for tool in new.tools))


def _keeping(tool: HttpTool, old: Bot | None) -> HttpTool:
    masked = [name for name, value in tool.headers.items() if value == MASK]
    if not masked:
        return tool
    before = old.tool(tool.name) if old else None
    for name in masked:
        if before is None or name not in before.headers:
            raise InvalidRequestError(
                f"tools ({tool.name[:40]}).headers: give the value of {name[:40]!r}; there is none to keep."
            )
    # who may change a bot does not thereby get its secrets sent where they like
    if before is None or host_of(tool.url) != host_of(before.url):
        raise InvalidRequestError(
            f"tools ({tool.name[:40]}).headers: the tool asks another host now. Give the values again."
        )
    return replace(
        tool, headers={**tool.headers, **{name: before.headers[name] for name in masked}}
    )


def tool_rows(tools: Iterable[HttpTool]) -> list[dict[str, Any]]:
    """Tools as they are kept."""
    return [
        {
            "name": tool.name,
            "description": tool.description,
            "url": tool.url,
            "method": tool.method,
            "parameters": [
                {
                    "name": p.name,
                    "description": p.description,
                    "kind": p.kind,
                    "required": p.required,
                }
                for p in tool.parameters
            ],
            "headers": {
                name: {"sealed": value.token} if isinstance(value, Sealed) else value
                for name, value in tool.headers.items()
            },
        }
        for tool in tools
    ]


def tools_from_rows(rows: Iterable[Mapping[str, Any]]) -> tuple[HttpTool, ...]:
    return tuple(
        HttpTool(
            **{
                **row,
                "parameters": tuple(Parameter(**p) for p in row["parameters"]),
                "headers": {
                    name: Sealed(value["sealed"]) if isinstance(value, Mapping) else value
                    for name, value in row["headers"].items()
                },
            }
        )
        for row in rows
    )
