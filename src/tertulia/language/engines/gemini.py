"""Google's Gemini API."""

from typing import TYPE_CHECKING, Any

from tertulia.language.engines.adapter import PydanticAIChatModel

if TYPE_CHECKING:
    from httpx2 import AsyncClient
    from pydantic_ai.models import Model


class GeminiChat(PydanticAIChatModel):
    """A Gemini model."""

    def __init__(self, model: str, *, url: str, key: str, **common: Any) -> None:
        super().__init__("gemini", model, **common)
        self._url = url
        self._key = key

    def _make(self, http: "AsyncClient") -> "Model[Any]":
        from pydantic_ai.models.google import GoogleModel
        from pydantic_ai.providers.google import GoogleProvider

        provider = GoogleProvider(api_key=self._key, base_url=self._url, http_client=http)
        return GoogleModel(self.model, provider=provider)
