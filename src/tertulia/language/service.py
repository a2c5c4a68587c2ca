"""Chains of chat models: the next is asked when one fails before its first word."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol, TypeVar

import structlog
from pydantic import BaseModel

from tertulia.kernel.clock import Clock
from tertulia.kernel.vendor import Breaker
from tertulia.language.domain import (
    OFFLINE,
    Answer,
    ChatModel,
    ChatOptions,
    Embedder,
    EngineStatus,
    Finished,
    Link,
    Message,
    Piece,
    Spent,
    chain_name,
    chained,
    parse_chain,
)
from tertulia.language.errors import (
    LanguageError,
    ModelUnavailableError,
    UnknownModelError,
)
from tertulia.language.usage import Usage

log = structlog.get_logger(__name__)
T = TypeVar("T", bound=BaseModel)

OfflineReply = Callable[[], AsyncGenerator[Piece, None]]
"""How a reply is made where the chain says `offline`: a script, for a bot."""
OfflineAnswer = Callable[[], Awaitable[T]]
"""The same for a structured answer."""
Telling = Callable[[Spent], None]
"""Told of every member of a chain that was asked, as soon as it is known what it used."""


class ModelMaker(Protocol):
    """Makes the model of a link; server/ decides which engines there are."""

    def __call__(self, link: Link) -> ChatModel:
        """Raises `UnknownModelError` or `ModelUnavailableError` where there is none."""
        ...


class LanguageService:
    """Chat models by their names. Models are made when they are first asked, and kept."""

    def __init__(
        self,
        make: ModelMaker,
        *,
        clock: Clock,
        chain: str | Sequence[str] = OFFLINE,
        embedder: Embedder | None = None,
        statuses: Callable[[], Sequence[EngineStatus]] = tuple,
    ) -> None:
        self._make = make
        self._clock = clock
        self._default = parse_chain(chain)
        self._models: dict[str, ChatModel] = {}
        self._breakers: dict[str, Breaker] = {}
        self._statuses = statuses
        self.embedder = embedder
        """None where no embedding model is configured."""

    def chain(self, asked: str | Sequence[str] | Sequence[Link] | None = None) -> tuple[Link, ...]:
        """The members of a chain, or of the server's own; raises for an engine that nobody here knows."""
        if not asked:
            return self._default
        named = asked if isinstance(asked, str) else [_named(one) for one in asked]
        links = parse_chain(named)
        for link in links:
            if not link.is_offline:
                self._model(link)
        return links

    def engines(self) -> Sequence[EngineStatus]:
        """Every language engine, for the status page and the doctor."""
        return self._statuses()

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        chain: str | Sequence[str] | Sequence[Link] | None = None,
        options: ChatOptions = ChatOptions(),
        offline: OfflineReply | None = None,
        told: Telling | None = None,
    ) -> AsyncGenerator[Piece, None]:
        """The reply of the first member that begins one; past its first piece a failure is the caller's.

        Close the generator to stop the model. The last piece is `Finished`.
        """
        tried: list[str] = []
        failure: LanguageError | None = None
        for link in self._links(chain, can_offline=offline is not None):
            began = False
            usage, start = Usage(), self._clock.monotonic()
            try:
                pieces = (
                    offline()
                    if link.is_offline and offline
                    else self._asked(link, messages, options)
                )
                async with aclosing(pieces):
                    async for piece in pieces:
                        began = True
                        if isinstance(piece, Finished):
                            usage = piece.usage
                            yield chained(tried, piece)
                        else:
                            yield piece
                self._breaker(link).succeeded()
                return
            except LanguageError as error:
                self._failed(link, error)
                failure, usage = error, error.usage
                tried.append(link.engine)
                if began:
                    raise
            finally:
                self._tell(told, link, usage, start)
        raise failure or _nobody(self._links(chain, can_offline=True))

    async def answer(
        self,
        messages: Sequence[Message],
        schema: type[T],
        *,
        chain: str | Sequence[str] | Sequence[Link] | None = None,
        options: ChatOptions = ChatOptions(),
        offline: OfflineAnswer[T] | None = None,
    ) -> Answer[T]:
        """An answer in the form of `schema` by the first member that gives one."""
        tried: list[str] = []
        spent: list[Spent] = []
        failure: LanguageError | None = None
        for link in self._links(chain, can_offline=offline is not None):
            start = self._clock.monotonic()
            try:
                if link.is_offline and offline:
                    found = Answer(await offline(), Usage(), OFFLINE, None)
                else:
                    found = await self._model(link).answer(messages, schema, options)
            except LanguageError as error:
                self._failed(link, error)
                failure = error
                tried.append(link.engine)
                spent.append(self._spent(link, error.usage, start))
                continue
            self._breaker(link).succeeded()
            spent.append(self._spent(link, found.usage, start))
            provider = "|".join([*tried, found.provider])
            return replace(found, provider=provider, spent=tuple(spent))
        failure = failure or _nobody(self._links(chain, can_offline=True))
        failure.spent = tuple(spent)
        raise failure

    async def prepare(self) -> None:
        """Loads the libraries of the server's own chain, so that nobody's first word waits for them."""
        for link in self._default:
            if not link.is_offline:
                await self._model(link).prepare()

    async def close(self) -> None:
        for model in self._models.values():
            await model.close()
        if self.embedder is not None:
            await self.embedder.close()

    # Inside

    def _links(
        self, asked: str | Sequence[str] | Sequence[Link] | None, *, can_offline: bool
    ) -> list[Link]:
        """Whom to ask: those that rest are left out, unless all do."""
        links = [x for x in self.chain(asked) if can_offline or not x.is_offline]
        awake = [x for x in links if x.is_offline or not self._breaker(x).wait_seconds()]
        return awake or links

    async def _asked(
        self, link: Link, messages: Sequence[Message], options: ChatOptions
    ) -> AsyncGenerator[Piece, None]:
        pieces = self._model(link).stream(messages, options)
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece

    def _model(self, link: Link) -> ChatModel:
        found = self._models.get(link.name)
        if found is None:
            found = self._models[link.name] = self._make(link)
        return found

    def _breaker(self, link: Link) -> Breaker:
        return self._breakers.setdefault(link.name, Breaker(self._clock))

    def _failed(self, link: Link, error: LanguageError) -> None:
        self._breaker(link).failed(error)
        log.warning("language model failed", engine=link.engine, code=error.code)

    def _tell(self, told: Telling | None, link: Link, usage: Usage, start: float) -> None:
        if told is not None:
            told(self._spent(link, usage, start))

    def _spent(self, link: Link, usage: Usage, start: float) -> Spent:
        elapsed_ms = round((self._clock.monotonic() - start) * 1000)
        return Spent(link.engine, link.model, usage, elapsed_ms)


def _named(one: str | Link) -> str:
    return one.name if isinstance(one, Link) else one


def _nobody(links: Sequence[Link]) -> LanguageError:
    return ModelUnavailableError(
        f"{chain_name(links)} has no chat model. Set TERTULIA_LLM, as in ollama:llama3.2."
    )


def known_engines(makers: Mapping[str, Callable[[str | None], ChatModel]]) -> ModelMaker:
    """A maker over engines by their names."""

    def make(link: Link) -> ChatModel:
        maker = makers.get(link.engine)
        if maker is None:
            raise UnknownModelError(
                f"There is no language engine {link.engine!r}. These are: {', '.join(sorted(makers))}, offline."
            )
        return maker(link.model)

    return make
