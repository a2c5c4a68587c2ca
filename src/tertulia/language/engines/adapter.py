"""Chat models of any vendor through pydantic-ai, imported when the first word is asked for."""

import asyncio
import json
from abc import abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from tertulia.language.domain import (
    ChatOptions,
    Message,
    Role,
    Stop,
    TextPiece,
    Tool,
    ToolCall,
)
from tertulia.language.engines.base import BaseChatModel, Breath, End, Form, RawPiece
from tertulia.language.errors import (
    LanguageError,
    ModelCutError,
    ModelNonsenseError,
    ModelRateLimitedError,
    ModelRefusedError,
    ModelTimeoutError,
    ModelUnauthorisedError,
    ModelUnavailableError,
    PromptTooLongError,
)
from tertulia.language.usage import Usage

if TYPE_CHECKING:
    from httpx2 import AsyncClient
    from pydantic_ai.messages import ModelMessage, ModelResponsePart
    from pydantic_ai.models import Model, ModelRequestParameters

CONNECT_SECONDS = 5.0
_received: ContextVar[list[Any] | None] = ContextVar("received", default=None)
"""The responses of the reply under way: not every vendor's library closes what it leaves in the middle."""


class PydanticAIChatModel(BaseChatModel):
    """A vendor's file says how its model is made; everything else is here."""

    _made: "Model[Any] | None" = None
    _http: "AsyncClient | None" = None
    _lock: asyncio.Lock | None = None

    @abstractmethod
    def _make(self, http: "AsyncClient") -> "Model[Any]":
        """Imports the vendor's library and makes its model; called once, in a thread."""

    async def prepare(self) -> None:
        await self._model()

    async def close(self) -> None:
        http, self._http, self._made = self._http, None, None
        if http is not None:
            await http.aclose()

    async def _model(self) -> "Model[Any]":
        self._lock = self._lock or asyncio.Lock()
        async with self._lock:
            if self._made is not None:
                return self._made
            opened = await asyncio.to_thread(self._opened)
            self._http, self._made = opened
            return opened[1]

    def _opened(self) -> "tuple[AsyncClient, Model[Any]]":
        # what the first word needs is loaded here, in a thread: it takes a second or two
        import pydantic_ai.direct  # noqa: F401

        http = http_client()
        return http, self._make(http)

    async def _stream_impl(
        self, messages: Sequence[Message], options: ChatOptions, form: Form | None
    ) -> AsyncGenerator[RawPiece, None]:
        received: list[Any] = []
        _received.set(received)
        try:
            async for piece in self._reply(messages, options, form):
                yield piece
        finally:
            for response in received:
                if not response.is_closed:
                    await response.aclose()

    async def _reply(
        self, messages: Sequence[Message], options: ChatOptions, form: Form | None
    ) -> AsyncGenerator[RawPiece, None]:
        model = await self._model()
        from pydantic_ai.direct import model_request_stream
        from pydantic_ai.messages import PartDeltaEvent, PartEndEvent, PartStartEvent

        parameters = _parameters(model, options.tools, form)
        async with model_request_stream(
            model,
            _messages(messages, None if _is_native(parameters) else form),
            model_settings=_settings(options),
            model_request_parameters=parameters,
            instrument=False,  # what is said never goes into a trace
        ) as reply:
            async for event in reply:
                if isinstance(event, PartStartEvent):
                    yield _begun(event.part)
                elif isinstance(event, PartDeltaEvent):
                    yield _added(event.delta)
                elif isinstance(event, PartEndEvent):
                    call = self._call(event.part)
                    if call is not None:
                        yield call
            usage = Usage(reply.usage.input_tokens or 0, reply.usage.output_tokens or 0)
            yield End(usage, self._stop(reply.finish_reason, usage), reply.model_name or None)

    def _call(self, part: "ModelResponsePart") -> ToolCall | None:
        from pydantic_ai.messages import ToolCallPart

        if not isinstance(part, ToolCallPart):
            return None
        try:
            arguments = part.args_as_dict(raise_if_invalid=True)
        except (ValueError, AssertionError):
            raise ModelNonsenseError(
                f"{self.engine} called a tool with something that is no JSON object. Try again."
            ) from None
        return ToolCall(part.tool_call_id, part.tool_name, arguments)

    def _stop(self, reason: str | None, usage: Usage) -> Stop:
        if reason == "content_filter":
            refused = ModelRefusedError(f"{self.engine} would not answer this.")
            refused.usage = usage
            raise refused
        if reason is None or reason == "error":
            cut = ModelCutError(f"{self.engine} broke off in the middle. Try again.")
            cut.usage = usage
            raise cut
        return {"length": Stop.LENGTH, "tool_call": Stop.TOOLS}.get(reason, Stop.END)

    def _explain_impl(self, error: Exception) -> LanguageError | None:
        return explained(self.engine, error)


def http_client() -> "AsyncClient":
    """A client whose connections are closed with the model; reading is limited by those who wait for it."""
    import httpx2
    from pydantic_ai.models import create_async_httpx2_client

    client = create_async_httpx2_client(timeout=httpx2.Timeout(600, connect=CONNECT_SECONDS))
    client.event_hooks = {"request": [], "response": [_keep]}
    return client


async def _keep(response: Any) -> None:
    received = _received.get()
    if received is not None:
        received.append(response)


def explained(engine: str, error: Exception) -> LanguageError | None:
    """An exception of pydantic-ai as ours; its text, which may quote anything, stays behind."""
    from pydantic_ai import exceptions as its

    if isinstance(error, its.ModelAPIError):
        return _explained_api(engine, error)
    if isinstance(error, its.ContentFilterError):
        return ModelRefusedError(f"{engine} would not answer this.")
    if isinstance(error, its.UnexpectedModelBehavior):
        return ModelNonsenseError(f"{engine} answered something that cannot be read. Try again.")
    if isinstance(error, (its.UserError, ImportError)):
        return ModelUnavailableError(
            f"{engine} is not set up ({type(error).__name__}). `tertulia doctor` says what is missing."
        )
    return None


def _explained_api(engine: str, error: Any) -> LanguageError:
    from pydantic_ai import exceptions as its

    away = f"{engine} cannot be used just now. Check its address and that it runs."
    for kind, ours, detail, retryable in (
        (its.ModelRateLimitError, ModelRateLimitedError, f"{engine} takes no more. Wait.", True),
        (its.ModelAuthenticationError, ModelUnauthorisedError, _key(engine), False),
        (its.ModelQuotaExceededError, ModelUnauthorisedError, _key(engine), False),
        (
            its.ModelContextWindowExceededError,
            PromptTooLongError,
            f"The conversation is longer than {engine} can read.",
            False,
        ),
        (
            its.ModelNotFoundError,
            ModelUnavailableError,
            f"{engine} has no model of that name, or its address is wrong. Check TERTULIA_LLM.",
            False,
        ),
        (its.ModelTimeoutError, ModelTimeoutError, f"{engine} did not answer in time.", True),
        (
            its.ModelRequestRejectedError,
            LanguageError,
            f"{engine} does not take this request. Try another model.",
            False,
        ),
    ):
        if isinstance(error, kind):
            return ours(detail, retryable=retryable, retry_after_seconds=error.retry_after)
    broken = isinstance(error, its.ModelConnectionError) and error.phase == "read"
    if broken or type(error) is its.ModelAPIError:
        return ModelCutError(f"{engine} broke off in the middle. Try again.", retryable=True)
    return ModelUnavailableError(away, retryable=True, retry_after_seconds=error.retry_after)


def _key(engine: str) -> str:
    return f"{engine} does not take the key. Check it and its credit."


def _is_native(parameters: "ModelRequestParameters") -> bool:
    return parameters.output_mode == "native"


def _parameters(
    model: "Model[Any]", tools: Sequence[Tool], form: Form | None
) -> "ModelRequestParameters":
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.output import OutputObjectDefinition
    from pydantic_ai.tools import ToolDefinition

    if form is not None and model.profile.get("supports_json_schema_output"):
        asked = OutputObjectDefinition(json_schema=dict(form), name="answer", strict=False)
        return ModelRequestParameters(output_mode="native", output_object=asked)
    return ModelRequestParameters(
        function_tools=[
            ToolDefinition(
                name=tool.name,
                description=tool.description,
                parameters_json_schema=dict(tool.parameters),
                strict=False,
            )
            for tool in tools
        ]
    )


def _settings(options: ChatOptions) -> Any:
    settings: dict[str, Any] = {
        "max_tokens": options.max_tokens,
        "timeout": max(options.first_seconds, options.pause_seconds),
        "max_retries": 0,  # tries are ours: the SDKs' own would eat the time of the next in the chain
    }
    if options.temperature is not None:
        settings["temperature"] = options.temperature
    return settings


def _messages(messages: Sequence[Message], form: Form | None) -> "list[ModelMessage]":
    """As pydantic-ai takes them; `form` is told in words to a model that knows no schemas."""
    from pydantic_ai.messages import (
        ModelRequest,
        ModelResponse,
        SystemPromptPart,
        TextPart,
        ToolCallPart,
        ToolReturnPart,
        UserPromptPart,
    )

    found: list[Any] = []
    for message in _with_form(messages, form):
        part: Any
        if message.role is Role.ASSISTANT:
            calls = [ToolCallPart(c.name, dict(c.arguments), c.id) for c in message.calls]
            spoken = [TextPart(message.text)] if message.text else []
            found.append(ModelResponse(parts=[*spoken, *calls]))
            continue
        if message.role is Role.SYSTEM:
            part = SystemPromptPart(message.text)
        elif message.role is Role.TOOL and message.answers is not None:
            part = ToolReturnPart(message.answers.name, message.text, message.answers.id)
        else:
            part = UserPromptPart(message.text)
        if found and isinstance(found[-1], ModelRequest):
            found[-1].parts = [*found[-1].parts, part]
        else:
            found.append(ModelRequest(parts=[part]))
    return found


def _with_form(messages: Sequence[Message], form: Form | None) -> list[Message]:
    if form is None:
        return list(messages)
    schema = json.dumps(form, ensure_ascii=False)
    asked = Message.system(
        f"Answer with one JSON object that fits this JSON schema, and nothing else:\n{schema}"
    )
    leading = sum(1 for _ in _leading(messages))
    return [*messages[:leading], asked, *messages[leading:]]


def _leading(messages: Sequence[Message]) -> "Sequence[Message]":
    count = next((i for i, m in enumerate(messages) if m.role is not Role.SYSTEM), len(messages))
    return messages[:count]


def _begun(part: "ModelResponsePart") -> RawPiece:
    from pydantic_ai.messages import TextPart

    return TextPiece(part.content) if isinstance(part, TextPart) and part.content else Breath()


def _added(delta: Any) -> RawPiece:
    from pydantic_ai.messages import TextPartDelta

    return TextPiece(delta.content_delta) if isinstance(delta, TextPartDelta) else Breath()
