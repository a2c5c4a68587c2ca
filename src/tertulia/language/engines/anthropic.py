"""Anthropic's Messages API."""

from typing import TYPE_CHECKING, Any

from tertulia.language.engines.adapter import PydanticAIChatModel

if TYPE_CHECKING:
    from httpx2 import AsyncClient
    from pydantic_ai.models import Model


class AnthropicChat(PydanticAIChatModel):
    """A Claude model."""

    def __init__(self, model: str, *, url: str, key: str, **common: Any) -> None:
        super().__init__("anthropic", model, **common)
        self._url = url
        self._key = key

    def _make(self, http: "AsyncClient") -> "Model[Any]":
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        provider = AnthropicProvider(api_key=self._key, base_url=self._url, http_client=http)
        return AnthropicModel(self.model, provider=provider)
