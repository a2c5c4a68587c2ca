"""Ollama, by its OpenAI-compatible address."""

from typing import TYPE_CHECKING, Any

from tertulia.language.engines.adapter import PydanticAIChatModel
from tertulia.language.engines.openai import whole

if TYPE_CHECKING:
    from httpx2 import AsyncClient
    from pydantic_ai.models import Model


class OllamaChat(PydanticAIChatModel):
    """A model that Ollama runs, on this machine or another."""

    def __init__(self, model: str, *, url: str, **common: Any) -> None:
        super().__init__("ollama", model, **common)
        self._url = url

    def _make(self, http: "AsyncClient") -> "Model[Any]":
        from pydantic_ai.models.ollama import OllamaModel
        from pydantic_ai.providers.ollama import OllamaProvider

        provider = OllamaProvider(base_url=compatible(self._url), api_key="none", http_client=http)
        return OllamaModel(self.model, provider=provider, profile=whole(provider, self.model))


def compatible(url: str) -> str:
    """Where Ollama speaks OpenAI's protocol; people give its bare address."""
    bare = url.rstrip("/")
    return bare if bare.endswith("/v1") else f"{bare}/v1"
