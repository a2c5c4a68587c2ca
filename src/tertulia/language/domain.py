"""What is said to a chat model, what comes back piece by piece, and which models are asked in which order."""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from tertulia.language.errors import UnknownModelError
from tertulia.language.usage import Usage

T = TypeVar("T", bound=BaseModel)

OFFLINE = "offline"
"""The member of a chain that needs no model: whoever asks brings their own way for it."""
AUTO = "auto"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
LONGEST_MODEL = 200


class Role(StrEnum):
    """Who speaks to a chat model."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants called; `arguments` are what it wrote, already read as JSON."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation with a model. Instructions stand in system messages and nowhere else."""

    role: Role
    text: str
    calls: tuple[ToolCall, ...] = ()
    """Of an assistant's message: the tools it called."""
    answers: ToolCall | None = None
    """Of a tool's message: the call whose result this is."""

    @classmethod
    def system(cls, text: str) -> "Message":
        return cls(Role.SYSTEM, text)

    @classmethod
    def user(cls, text: str) -> "Message":
        return cls(Role.USER, text)

    @classmethod
    def assistant(cls, text: str, calls: Sequence[ToolCall] = ()) -> "Message":
        return cls(Role.ASSISTANT, text, tuple(calls))

    @classmethod
    def result(cls, call: ToolCall, text: str) -> "Message":
        return cls(Role.TOOL, text, answers=call)


@dataclass(frozen=True, slots=True)
class Tool:
    """Something a model may ask to have called; `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


class Stop(StrEnum):
    """Why a model stopped writing."""

    END = "end"
    TOOLS = "tools"
    """It waits for the results of the tools it called."""
    LENGTH = "length"
    """It was as long as it was allowed to be."""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A few more characters of the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last piece of every reply that came to its end.

    `provider` is the chain tried, as in `openai|ollama`; `model` what the last of it answered with.
    """

    usage: Usage
    provider: str
    model: str | None
    stop: Stop = Stop.END
    first_ms: int | None = None
    """Until the first piece; None where there was none."""
    elapsed_ms: int = 0


Piece = TextPiece | ToolCall | Finished


@dataclass(frozen=True, slots=True)
class Spent:
    """What one member of a chain used, whether it answered or failed; the ledger keeps one row for each."""

    engine: str
    model: str | None
    usage: Usage
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """An answer in the form that was asked for."""

    value: T
    usage: Usage
    provider: str
    model: str | None
    elapsed_ms: int = 0
    spent: tuple[Spent, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """How a model is to write, and how long it is waited for."""

    temperature: float | None = None
    max_tokens: int = 1024
    first_seconds: float = 20.0
    """Until the first piece, with every try."""
    pause_seconds: float = 20.0
    """Between two pieces."""
    total_seconds: float = 300.0
    attempts: int = 2
    """Tries of one model before its first piece; then the next of the chain is asked."""
    tools: tuple[Tool, ...] = ()


@dataclass(frozen=True, slots=True)
class LanguageCapabilities:
    """What a chat model can do."""

    tools: bool = True
    needs_network: bool = True


class ChatModel(Protocol):
    """A chat model of one vendor."""

    engine: str
    """`openai`, `anthropic`, `gemini`, `ollama`."""
    model: str
    capabilities: LanguageCapabilities

    def stream(
        self, messages: Sequence[Message], options: ChatOptions = ...
    ) -> AsyncGenerator[Piece, None]:
        """The reply as it is written; closing the generator ends the vendor's work at once."""
        ...

    async def answer(
        self, messages: Sequence[Message], schema: type[T], options: ChatOptions = ...
    ) -> Answer[T]:
        """One answer that fits `schema`; raises when the model cannot bring itself to give one."""
        ...

    async def prepare(self) -> None:
        """Loads what the first word would otherwise wait for; asks nothing of the vendor."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Embedded:
    """Texts as vectors, in the order they were given."""

    vectors: tuple[tuple[float, ...], ...]
    usage: Usage
    provider: str
    model: str


class Embedder(Protocol):
    """Turns texts into vectors whose nearness is nearness of meaning."""

    engine: str
    model: str

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> Embedded:
        """`query` says that the texts are what is looked for, not where."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Link:
    """A member of a chain: an engine and, unless its default is meant, a model of it."""

    engine: str
    model: str | None = None

    @property
    def name(self) -> str:
        return f"{self.engine}:{self.model}" if self.model else self.engine

    @property
    def is_offline(self) -> bool:
        return self.engine == OFFLINE

    @classmethod
    def parse(cls, text: str) -> "Link":
        engine, _, model = text.strip().partition(":")
        engine = engine.strip().lower()
        if not _NAME.fullmatch(engine) or len(model) > LONGEST_MODEL:
            raise UnknownModelError(
                "A model is written as engine:name, as in ollama:llama3.2, or as offline."
            )
        return cls(engine, model.strip() or None)


def parse_chain(text: str | Sequence[str]) -> tuple[Link, ...]:
    """`openai:gpt-x,ollama:llama3,offline` as the members to ask, in order; what follows `offline` is never asked."""
    names = text.split(",") if isinstance(text, str) else text
    links = tuple(Link.parse(name) for name in names if name.strip())
    if not links:
        raise UnknownModelError("The chain of models is empty. Name one, as in ollama:llama3.2.")
    return links


def chain_name(links: Sequence[Link]) -> str:
    return ",".join(link.name for link in links)


def chained(tried: Sequence[str], finished: Finished) -> Finished:
    """The last piece with everything that was tried before in its provider."""
    return replace(finished, provider="|".join([*tried, finished.provider]))


class Standing(StrEnum):
    """Whether a language engine can be used here."""

    NAMED = "named"
    """It is in the chain of the settings."""
    READY = "ready"
    """It could be named there."""
    NEEDS_KEY = "needs_key"


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """A language engine, whether it can be used here, and what would be better."""

    name: str
    standing: Standing
    setting: str | None = None
    """Where its key goes, when it needs one."""
    models: tuple[str, ...] = ()
    """Those that the chain of the settings names."""

    @property
    def works(self) -> bool:
        return self.standing is not Standing.NEEDS_KEY

    @property
    def seen(self) -> str:
        """For a terminal."""
        match self.standing:
            case Standing.NAMED:
                return f"in TERTULIA_LLM{': ' if self.models else ''}{', '.join(self.models)}"
            case Standing.READY:
                return "can be named in TERTULIA_LLM"
            case Standing.NEEDS_KEY:
                return "no key is given"
