"""Chains of chat models: who is asked, in which order, and what is told of it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest
from pydantic import BaseModel

from tertulia.kernel.clock import HeldClock
from tertulia.language.domain import (
    Answer,
    ChatOptions,
    Finished,
    LanguageCapabilities,
    Link,
    Message,
    Piece,
    Spent,
    TextPiece,
    parse_chain,
)
from tertulia.language.errors import (
    LanguageError,
    ModelCutError,
    ModelRefusedError,
    ModelUnavailableError,
    UnknownModelError,
)
from tertulia.language.service import LanguageService, known_engines
from tertulia.language.usage import Usage

pytestmark = pytest.mark.unit

HELLO = [Message.user("hello")]


class Mood(BaseModel):
    """What is asked for."""

    mood: str


@dataclass
class Scripted:
    """A model that says its words, and fails where it is told to."""

    engine: str
    model: str
    words: tuple[str, ...] = ("good ", "day")
    failure: LanguageError | None = None
    """Raised after `words`; before the first when there are none."""
    calls: int = 0
    closed: int = 0
    prepared: bool = False
    capabilities: LanguageCapabilities = field(default_factory=LanguageCapabilities)

    async def stream(
        self, messages: Sequence[Message], options: ChatOptions = ChatOptions()
    ) -> AsyncGenerator[Piece, None]:
        self.calls += 1
        try:
            for word in self.words:
                yield TextPiece(word)
            if self.failure:
                raise self.failure
            yield Finished(Usage(3, 2), self.engine, self.model)
        finally:
            self.closed += 1

    async def answer(
        self, messages: Sequence[Message], schema: type, options: ChatOptions = ChatOptions()
    ) -> Answer:  # type: ignore[type-arg]
        self.calls += 1
        if self.failure:
            self.failure.usage = Usage(5, 5)
            raise self.failure
        return Answer(schema(mood=self.engine), Usage(3, 2), self.engine, self.model)

    async def prepare(self) -> None:
        self.prepared = True

    async def close(self) -> None:
        self.closed += 100


def service(*models: Scripted, clock: HeldClock | None = None, chain: str = "") -> LanguageService:
    by_engine = {m.engine: m for m in models}
    makers = {name: (lambda _, m=m: m) for name, m in by_engine.items()}
    chain = chain or ",".join(f"{m.engine}:{m.model}" for m in models)
    return LanguageService(known_engines(makers), clock=clock or HeldClock(), chain=chain)


async def heard(asked: LanguageService, **how: object) -> tuple[str, Finished | None]:
    text, last = "", None
    async with aclosing(asked.stream(HELLO, **how)) as pieces:  # type: ignore[arg-type]
        async for piece in pieces:
            if isinstance(piece, TextPiece):
                text += piece.text
            elif isinstance(piece, Finished):
                last = piece
    return text, last


def test_chains_are_read_as_they_are_written() -> None:
    assert parse_chain(" openai:gpt-x , ollama:llama3:8b ,offline") == (
        Link("openai", "gpt-x"),
        Link("ollama", "llama3:8b"),
        Link("offline"),
    )
    for wrong in ("", ",", "open ai:x", "1x", "x:" + "y" * 300, "ollama:a;b\n,!"):
        with pytest.raises(UnknownModelError):
            parse_chain(wrong)


async def test_the_first_that_works_answers() -> None:
    first, second = Scripted("one", "a"), Scripted("two", "b")
    text, last = await heard(service(first, second))
    assert text == "good day"
    assert last is not None
    assert (last.provider, last.usage) == ("one", Usage(3, 2))
    assert second.calls == 0


async def test_the_next_is_asked_before_the_first_word_only() -> None:
    away = Scripted("one", "a", words=(), failure=ModelUnavailableError())
    spent: list[Spent] = []
    text, last = await heard(service(away, Scripted("two", "b")), told=spent.append)
    assert text == "good day"
    assert last is not None
    assert last.provider == "one|two"
    assert [(s.engine, s.model, s.usage) for s in spent] == [
        ("one", "a", Usage()),
        ("two", "b", Usage(3, 2)),
    ]
    broken = Scripted("one", "a", words=("half ",), failure=ModelCutError())
    second = Scripted("two", "b")
    with pytest.raises(ModelCutError):
        await heard(service(broken, second))
    assert second.calls == 0


async def test_offline_is_the_caller_s_own_way() -> None:
    away = Scripted("one", "a", words=(), failure=ModelUnavailableError())
    asked = service(away, chain="one:a,offline")

    async def script() -> AsyncGenerator[Piece, None]:
        yield TextPiece("We are closed.")
        yield Finished(Usage(), "offline", None)

    text, last = await heard(asked, offline=script)
    assert text == "We are closed."
    assert last is not None
    assert last.provider == "one|offline"
    with pytest.raises(ModelUnavailableError):
        await heard(asked)
    with pytest.raises(ModelUnavailableError, match="TERTULIA_LLM"):
        await heard(service(chain="offline"))


async def test_leaving_stops_the_model_and_is_told() -> None:
    model = Scripted("one", "a")
    spent: list[Spent] = []
    pieces = service(model).stream(HELLO, told=spent.append)
    await anext(pieces)
    await pieces.aclose()
    assert model.closed == 1
    assert len(spent) == 1


async def test_structured_answers_fall_through_and_say_what_every_model_cost() -> None:
    refusing = Scripted("one", "a", failure=ModelRefusedError())
    found = await service(refusing, Scripted("two", "b")).answer(HELLO, Mood)
    assert (found.value.mood, found.provider, found.model) == ("two", "one|two", "b")
    assert [(s.engine, s.usage) for s in found.spent] == [
        ("one", Usage(5, 5)),
        ("two", Usage(3, 2)),
    ]

    async def offline() -> Mood:
        return Mood(mood="calm")

    found = await service(refusing, chain="one:a,offline").answer(HELLO, Mood, offline=offline)
    assert (found.value.mood, found.provider) == ("calm", "one|offline")


async def test_a_model_that_keeps_failing_rests() -> None:
    clock = HeldClock()
    away = Scripted("one", "a", words=(), failure=ModelUnavailableError())
    second = Scripted("two", "b")
    asked = service(away, second, clock=clock)
    for _ in range(5):
        await heard(asked)
    assert away.calls == 3
    await clock.advance(31)
    await heard(asked)
    assert away.calls == 4
    # where everybody rests somebody is asked all the same
    alone = service(Scripted("one", "a", words=(), failure=ModelUnavailableError()), clock=clock)
    for _ in range(5):
        with pytest.raises(ModelUnavailableError):
            await heard(alone)


async def test_a_refusal_is_no_reason_to_rest() -> None:
    refusing = Scripted("one", "a", words=(), failure=ModelRefusedError())
    asked = service(refusing, Scripted("two", "b"))
    for _ in range(5):
        await heard(asked)
    assert refusing.calls == 5


async def test_an_engine_nobody_knows_is_refused_before_anything_is_asked() -> None:
    asked = service(Scripted("one", "a"))
    with pytest.raises(UnknownModelError, match="one, offline"):
        asked.chain("nobody:x")
    assert asked.chain() == (Link("one", "a"),)
    assert asked.chain([Link("one", "z")]) == (Link("one", "z"),)


async def test_models_are_prepared_and_closed_with_the_service() -> None:
    model = Scripted("one", "a")
    asked = service(model)
    await asked.prepare()
    assert (model.prepared, model.calls) == (True, 0)
    await heard(asked)
    await asked.close()
    assert model.closed == 101
