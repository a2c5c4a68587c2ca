"""Embedding models of any vendor through pydantic-ai."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tertulia.language.domain import Embedded
from tertulia.language.engines.adapter import explained, http_client
from tertulia.language.engines.ollama import compatible
from tertulia.language.engines.openai import openai_provider
from tertulia.language.errors import (
    LanguageError,
    ModelNonsenseError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from tertulia.language.usage import Usage

if TYPE_CHECKING:
    from httpx2 import AsyncClient
    from pydantic_ai.embeddings.base import EmbeddingModel

AT_ONCE = 96
"""Texts in one request."""
LONGEST_CHARACTERS = 8_000
"""Of one text: what follows adds little to what it is about."""

Make = Callable[["AsyncClient"], "EmbeddingModel"]


class VendorEmbedder:
    """Vectors by one vendor's model."""

    def __init__(
        self, engine: str, model: str, make: Make, *, timeout_seconds: float = 60.0
    ) -> None:
        self.engine = engine
        self.model = model
        self._make = make
        self._timeout_seconds = timeout_seconds
        self._made: tuple[AsyncClient, EmbeddingModel] | None = None
        self._lock = asyncio.Lock()

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> Embedded:
        """Raises a `LanguageError` when there are none."""
        vectors: list[tuple[float, ...]] = []
        usage = Usage()
        kind: Any = "query" if query else "document"
        try:
            model = await self._model()
            for start in range(0, len(texts), AT_ONCE):
                batch = [
                    text[:LONGEST_CHARACTERS] or " " for text in texts[start : start + AT_ONCE]
                ]
                async with asyncio.timeout(self._timeout_seconds):
                    found = await model.embed(batch, input_type=kind)
                if len(found.embeddings) != len(batch):
                    raise ModelNonsenseError(f"{self.engine} did not embed every text. Try again.")
                vectors += [tuple(vector) for vector in found.embeddings]
                usage += Usage(found.usage.input_tokens or 0)
        except Exception as error:  # noqa: BLE001 - a vendor may raise anything
            raise self._explained(error) from None
        return Embedded(tuple(vectors), usage, self.engine, self.model)

    async def close(self) -> None:
        made, self._made = self._made, None
        if made is not None:
            await made[0].aclose()

    async def _model(self) -> "EmbeddingModel":
        async with self._lock:
            if self._made is None:
                self._made = await asyncio.to_thread(self._opened)
            return self._made[1]

    def _opened(self) -> "tuple[AsyncClient, EmbeddingModel]":
        http = http_client()
        return http, self._make(http)

    def _explained(self, error: Exception) -> LanguageError:
        if isinstance(error, LanguageError):
            return error
        if isinstance(error, TimeoutError):
            return ModelTimeoutError(f"{self.engine} did not answer in time. Try again.")
        return explained(self.engine, error) or ModelUnavailableError(
            f"{self.engine} failed ({type(error).__name__}). Check its address and that it runs."
        )


def openai_embedder(model: str, *, url: str, key: str | None) -> VendorEmbedder:
    def make(http: "AsyncClient") -> "EmbeddingModel":
        from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel

        return OpenAIEmbeddingModel(model, provider=openai_provider(url, key, http))

    return VendorEmbedder("openai", model, make)


def ollama_embedder(model: str, *, url: str) -> VendorEmbedder:
    def make(http: "AsyncClient") -> "EmbeddingModel":
        from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel

        return OpenAIEmbeddingModel(model, provider=openai_provider(compatible(url), None, http))

    return VendorEmbedder("ollama", model, make)


def gemini_embedder(model: str, *, url: str, key: str) -> VendorEmbedder:
    def make(http: "AsyncClient") -> "EmbeddingModel":
        from pydantic_ai.embeddings.google import GoogleEmbeddingModel
        from pydantic_ai.providers.google import GoogleProvider

        provider = GoogleProvider(api_key=key, base_url=url, http_client=http)
        return GoogleEmbeddingModel(model, provider=provider)

    return VendorEmbedder("gemini", model, make)
