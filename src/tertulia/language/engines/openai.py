"""OpenAI, and every server that speaks its chat completions."""

from typing import TYPE_CHECKING, Any

from tertulia.language.engines.adapter import PydanticAIChatModel

if TYPE_CHECKING:
    from httpx2 import AsyncClient
    from pydantic_ai.models import Model

ITS_OWN = "api.openai.com"


class OpenAIChat(PydanticAIChatModel):
    """Chat completions at an address."""

    def __init__(self, model: str, *, url: str, key: str | None, **common: Any) -> None:
        super().__init__("openai", model, **common)
        self._url = url
        self._key = key

    def _make(self, http: "AsyncClient") -> "Model[Any]":
        from pydantic_ai.models.openai import OpenAIChatModel

        provider = openai_provider(self._url, self._key, http)
        return OpenAIChatModel(self.model, provider=provider, profile=whole(provider, self.model))


def whole(provider: Any, model: str) -> Any:
    """The model's own profile, and that a stream without a last word was cut."""
    from pydantic_ai.profiles import merge_profile
    from pydantic_ai.profiles.openai import OpenAIModelProfile

    ended = OpenAIModelProfile(openai_chat_streaming_requires_finish_reason=True)
    return merge_profile(provider.model_profile(model), ended)


def openai_provider(url: str, key: str | None, http: "AsyncClient") -> Any:
    """Its own address has parameters of its own; what others have in common is older."""
    if ITS_OWN in url:
        from pydantic_ai.providers.openai import OpenAIProvider

        return OpenAIProvider(base_url=url, api_key=key or "none", http_client=http)
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    return OpenAICompatibleProvider(
        "openai-compatible",
        base_url=url,
        api_key=key or "none",
        http_client=http,
        profile=lambda _: OpenAIModelProfile(
            openai_chat_supports_max_completion_tokens=False,
            supports_json_schema_output=True,
            openai_supports_strict_tool_definition=False,
        ),
    )
