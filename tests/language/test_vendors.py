"""Every vendor's chat model against a fake that speaks its wire protocol."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import BaseModel
from tests.fakes.anthropic import AnthropicServer
from tests.fakes.gemini import GeminiServer
from tests.fakes.ollama import OllamaServer
from tests.fakes.openai_chat import OpenAIChatServer
from tests.fakes.openai_chat_acts import Act, FakeChat, fail

from tertulia.language.domain import (
    ChatOptions,
    Finished,
    Message,
    Stop,
    TextPiece,
    Tool,
    ToolCall,
)
from tertulia.language.engines.anthropic import AnthropicChat
from tertulia.language.engines.base import BaseChatModel, Outcome
from tertulia.language.engines.gemini import GeminiChat
from tertulia.language.engines.ollama import OllamaChat
from tertulia.language.engines.openai import OpenAIChat
from tertulia.language.errors import (
    LanguageError,
    ModelCutError,
    ModelNonsenseError,
    ModelRateLimitedError,
    ModelRefusedError,
    ModelTimeoutError,
    ModelUnauthorisedError,
    ModelUnavailableError,
)
from tertulia.language.usage import Usage

pytestmark = pytest.mark.unit

SECRET = "the canary sings at midnight"
HELLO = [Message.system("Be kind."), Message.user(SECRET)]
QUICK = ChatOptions(attempts=1)
WEATHER = Tool(
    "weather",
    "Tells the weather.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


class Mood(BaseModel):
    """What is asked for in the tests."""

    mood: str
    score: int


@dataclass
class Observed:
    """What the observer was told."""

    calls: list[tuple[str, Usage, Outcome]] = field(default_factory=list)

    def called(self, engine: str, usage: Usage, elapsed_ms: int, outcome: Outcome) -> None:
        assert elapsed_ms >= 0
        self.calls.append((engine, usage, outcome))


@dataclass
class Vendor:
    """A fake and how its model is made."""

    fake: FakeChat
    make: Callable[..., BaseChatModel]
    needs_key: bool = True
    observed: Observed = field(default_factory=Observed)

    @asynccontextmanager
    async def model(self, key: str | None = None) -> AsyncIterator[BaseChatModel]:
        async with self.fake.run() as url:
            more = {"key": key or self.fake.key} if self.needs_key else {}
            made = self.make("tested", url=url, observer=self.observed, **more)
            try:
                yield made
            finally:
                await made.close()


VENDORS: dict[str, Callable[[], Vendor]] = {
    "openai": lambda: Vendor(OpenAIChatServer(), OpenAIChat),
    "ollama": lambda: Vendor(OllamaServer(), OllamaChat, needs_key=False),
    "anthropic": lambda: Vendor(AnthropicServer(), AnthropicChat),
    "gemini": lambda: Vendor(GeminiServer(), GeminiChat),
}


@pytest.fixture(params=list(VENDORS))
def vendor(request: pytest.FixtureRequest) -> Vendor:
    return VENDORS[request.param]()


async def read(
    model: BaseChatModel, options: ChatOptions = QUICK, messages: Any = None
) -> tuple[str, list[ToolCall], Finished]:
    text, calls, last = "", [], None
    async with aclosing(model.stream(messages or HELLO, options)) as pieces:
        async for piece in pieces:
            assert last is None, "nothing comes after the end"
            if isinstance(piece, TextPiece):
                text += piece.text
            elif isinstance(piece, ToolCall):
                calls.append(piece)
            else:
                last = piece
    assert last is not None
    return text, calls, last


async def test_a_reply_is_streamed_and_counted(vendor: Vendor) -> None:
    vendor.fake.acts = [Act("Buenos días, señora Ñandú. Всё хорошо.", tokens=(12, 34))]
    async with vendor.model() as model:
        text, calls, last = await read(model)
    assert text == "Buenos días, señora Ñandú. Всё хорошо."
    assert not calls
    assert last.usage == Usage(12, 34)
    assert (last.provider, last.stop) == (model.engine, Stop.END)
    assert last.first_ms is not None
    assert last.first_ms <= last.elapsed_ms
    assert vendor.observed.calls == [(model.engine, Usage(12, 34), Outcome.OK)]
    sent = str(vendor.fake.asked[0])
    assert "Be kind." in sent
    assert SECRET in sent


async def test_a_tool_is_called_and_its_result_answered(vendor: Vendor) -> None:
    vendor.fake.acts = [Act("Let me see.", tool=("weather", '{"city": "Lima"}')), Act("Fog.")]
    options = ChatOptions(attempts=1, tools=(WEATHER,))
    async with vendor.model() as model:
        text, calls, last = await read(model, options)
        assert [(c.name, c.arguments) for c in calls] == [("weather", {"city": "Lima"})]
        assert text == "Let me see."
        answered = [*HELLO, Message.assistant(text, calls), Message.result(calls[0], "13 °C, fog")]
        text, _, _ = await read(model, options, answered)
    assert text == "Fog."
    assert "13 °C, fog" in str(vendor.fake.asked[1])
    assert last.usage.tokens_out == 7


async def test_a_structured_answer_fits_its_schema(vendor: Vendor) -> None:
    vendor.fake.acts = [Act('```json\n{"mood": "calm", "score": 3}\n```')]
    async with vendor.model() as model:
        found = await model.answer(HELLO, Mood, QUICK)
    assert found.value == Mood(mood="calm", score=3)
    assert found.provider == model.engine
    assert "score" in str(vendor.fake.asked[0])


async def test_a_wrong_answer_is_asked_for_once_more(vendor: Vendor) -> None:
    vendor.fake.acts = [Act('{"mood": "calm", "sco'), Act('{"mood": "calm", "score": 4}')]
    async with vendor.model() as model:
        found = await model.answer(HELLO, Mood, QUICK)
    assert found.value.score == 4
    assert found.usage == Usage(22, 14)
    assert "does not fit" in str(vendor.fake.asked[1])


async def test_nonsense_twice_is_an_error(vendor: Vendor) -> None:
    vendor.fake.acts = [Act("I feel fine."), Act('{"mood": 1}')]
    async with vendor.model() as model:
        with pytest.raises(ModelNonsenseError) as caught:
            await model.answer(HELLO, Mood, QUICK)
    assert caught.value.usage == Usage(22, 14)


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (Act(then="refuse"), ModelRefusedError),
        (fail(429, "7"), ModelRateLimitedError),
        (fail(500), ModelUnavailableError),
        (fail(404), ModelUnavailableError),
        (Act("Half a sen", then="silence"), ModelCutError),
        (Act("Half a sen", then="cut"), ModelCutError),
        (Act(then="garbage"), LanguageError),
    ],
    ids=["refused", "429", "500", "404", "silence", "cut", "garbage"],
)
async def test_failures_have_their_names(
    vendor: Vendor, act: Act, error: type[LanguageError], caplog: pytest.LogCaptureFixture
) -> None:
    vendor.fake.acts = [act]
    async with vendor.model() as model:
        with pytest.raises(error) as caught:
            await read(model)
    assert SECRET not in f"{caught.value}{caught.value.problem()}{caplog.text}"
    assert vendor.observed.calls[-1][2] is Outcome.ERROR


async def test_a_wrong_key_is_told_without_the_key() -> None:
    for name in ("openai", "anthropic", "gemini"):
        vendor = VENDORS[name]()
        async with vendor.model(key="wrong-key") as model:
            with pytest.raises(ModelUnauthorisedError) as caught:
                await read(model)
        assert "key" in caught.value.detail
        assert "wrong-key" not in caught.value.detail


async def test_the_vendors_wait_is_kept(vendor: Vendor) -> None:
    vendor.fake.acts = [fail(429, "9")]
    async with vendor.model() as model:
        with pytest.raises(ModelRateLimitedError) as caught:
            await read(model)
    assert caught.value.retry_after_seconds == 9
    assert caught.value.headers["Retry-After"] == "9"


async def test_a_passing_failure_is_tried_again(vendor: Vendor) -> None:
    vendor.fake.acts = [fail(503), Act("There you are.")]
    async with vendor.model() as model:
        text, _, _ = await read(model, ChatOptions(attempts=2))
    assert text == "There you are."
    assert len(vendor.fake.asked) == 2


async def test_a_model_that_never_answers_is_given_up(vendor: Vendor) -> None:
    vendor.fake.acts = [Act(then="hang")]
    async with vendor.model() as model:
        with pytest.raises(ModelTimeoutError):
            await read(model, ChatOptions(attempts=1, first_seconds=0.3))
    assert vendor.observed.calls[-1][2] is Outcome.TIMEOUT


async def test_a_model_that_falls_silent_is_given_up(vendor: Vendor) -> None:
    vendor.fake.acts = [Act("One moment", then="hang")]
    said = ""
    async with vendor.model() as model:
        with pytest.raises(ModelTimeoutError):
            async for piece in model.stream(HELLO, ChatOptions(attempts=1, pause_seconds=0.3)):
                said += getattr(piece, "text", "")
    assert said == "One moment"


async def test_closing_the_stream_stops_the_vendor(vendor: Vendor) -> None:
    vendor.fake.acts = [Act("One moment", then="hang")]
    async with vendor.model() as model:
        pieces = model.stream(HELLO, QUICK)
        assert isinstance(await anext(pieces), TextPiece)
        await pieces.aclose()
        async with asyncio.timeout(5):
            await vendor.fake.gone.wait()
    assert vendor.observed.calls[-1][2] is Outcome.CANCELLED


async def test_a_model_that_writes_without_end_is_stopped(vendor: Vendor) -> None:
    vendor.fake.acts = [Act("and so on " * 2_000)]
    async with vendor.model() as model:
        text, _, last = await read(model, ChatOptions(attempts=1, max_tokens=10))
    assert last.stop is Stop.LENGTH
    assert len(text) < 400


async def test_a_tool_called_with_half_a_json_is_an_error() -> None:
    vendor = VENDORS["openai"]()
    vendor.fake.acts = [Act(tool=("weather", '{"city": "Li'))]
    async with vendor.model() as model:
        with pytest.raises(ModelNonsenseError):
            await read(model, ChatOptions(attempts=1, tools=(WEATHER,)))


async def test_an_address_without_a_server_is_unavailable() -> None:
    for make in (OllamaChat, OpenAIChat):
        more: dict[str, Any] = {"key": None} if make is OpenAIChat else {}
        model = make("tested", url="http://127.0.0.1:1/v1", **more)
        with pytest.raises(ModelUnavailableError):
            await read(model)
        await model.close()
