"""Language put together: which chat models there are here, and how the settings' chain is asked."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import SecretStr

from tertulia.kernel.clock import Clock
from tertulia.kernel.errors import StartError
from tertulia.kernel.settings import Settings
from tertulia.language.domain import (
    OFFLINE,
    ChatModel,
    Embedder,
    EngineStatus,
    Link,
    Standing,
    parse_chain,
)
from tertulia.language.engines.base import Outcome
from tertulia.language.errors import ModelUnavailableError, UnknownModelError
from tertulia.language.service import LanguageService, known_engines
from tertulia.language.usage import Usage
from tertulia.server.metrics import Metrics

KEYS = {
    "openai": "TERTULIA_OPENAI_LLM_KEY or TERTULIA_OPENAI_KEY",
    "anthropic": "TERTULIA_ANTHROPIC_KEY",
    "gemini": "TERTULIA_GEMINI_KEY",
}
OPENAI_URL = str(Settings.model_fields["openai_url"].default)
EMBEDDING = ("openai", "gemini", "ollama")


class MetricsObserver:
    """Puts every call of a chat model into the metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def called(self, engine: str, usage: Usage, elapsed_ms: int, outcome: Outcome) -> None:
        seconds = elapsed_ms / 1000
        self._metrics.engine(engine, "tokens_in", usage.tokens_in, seconds, outcome.value)
        self._metrics.engine_used(engine, "tokens_out", usage.tokens_out)


class ChatModelMaker:
    """Makes chat models by the settings; no vendor's library is loaded before its first word is asked for."""

    def __init__(self, settings: Settings, metrics: Metrics, clock: Clock) -> None:
        self._settings = settings
        self._common: dict[str, Any] = {"clock": clock, "observer": MetricsObserver(metrics)}
        self.makers: dict[str, Callable[[str | None], ChatModel]] = {
            "openai": self._openai,
            "anthropic": self._anthropic,
            "gemini": self._gemini,
            "ollama": self._ollama,
        }

    def statuses(self) -> list[EngineStatus]:
        """Every language engine; those whose key is missing say so."""
        chain = parse_chain(self._settings.llm)
        return [self._status(engine, chain) for engine in (*self.makers, OFFLINE)]

    def _status(self, engine: str, chain: Sequence[Link]) -> EngineStatus:
        named = [link for link in chain if link.engine == engine]
        models = tuple(link.model for link in named if link.model)
        if engine != OFFLINE and not self.has_key(engine):
            return EngineStatus(engine, Standing.NEEDS_KEY, KEYS[engine], models)
        return EngineStatus(engine, Standing.NAMED if named else Standing.READY, None, models)

    def has_key(self, engine: str) -> bool:
        settings = self._settings
        if engine == "openai":
            own = settings.openai_llm_url or settings.openai_url
            return bool(settings.openai_llm_key or settings.openai_key) or own != OPENAI_URL
        return engine == "ollama" or getattr(settings, f"{engine}_key") is not None

    def openai_address(self) -> tuple[str, str | None]:
        """A server of its own for chat brings its own key: that of another is not sent to it."""
        settings = self._settings
        if settings.openai_llm_url:
            return settings.openai_llm_url, _secret(settings.openai_llm_key)
        return settings.openai_url, _secret(settings.openai_llm_key or settings.openai_key)

    def _named(self, engine: str, model: str | None) -> str:
        """The model asked for, or the one of this engine that the settings name."""
        if not self.has_key(engine):
            raise ModelUnavailableError(f"{engine} has no key. Set {KEYS[engine]}.")
        if model is not None:
            return model
        for link in parse_chain(self._settings.llm):
            if link.engine == engine and link.model:
                return link.model
        raise UnknownModelError(f"Name a model of {engine}, as in {engine}:NAME.")

    def _openai(self, model: str | None) -> ChatModel:
        from tertulia.language.engines.openai import OpenAIChat

        url, key = self.openai_address()
        return OpenAIChat(self._named("openai", model), url=url, key=key, **self._common)

    def _anthropic(self, model: str | None) -> ChatModel:
        from tertulia.language.engines.anthropic import AnthropicChat

        name = self._named("anthropic", model)
        key = _secret(self._settings.anthropic_key) or ""
        return AnthropicChat(name, url=self._settings.anthropic_url, key=key, **self._common)

    def _gemini(self, model: str | None) -> ChatModel:
        from tertulia.language.engines.gemini import GeminiChat

        name = self._named("gemini", model)
        key = _secret(self._settings.gemini_key) or ""
        return GeminiChat(name, url=self._settings.gemini_url, key=key, **self._common)

    def _ollama(self, model: str | None) -> ChatModel:
        from tertulia.language.engines.ollama import OllamaChat

        return OllamaChat(
            self._named("ollama", model), url=self._settings.ollama_url, **self._common
        )

    def embedder(self) -> Embedder | None:
        """The embedding model of the settings; a wrong one stops the start."""
        wanted = self._settings.embeddings
        if not wanted:
            return None
        link = Link.parse(wanted)
        if link.engine not in EMBEDDING or not link.model:
            raise StartError(
                f"TERTULIA_EMBEDDINGS is engine:name, and the engine one of {', '.join(EMBEDDING)}."
            )
        if not self.has_key(link.engine):
            raise StartError(f"TERTULIA_EMBEDDINGS needs {KEYS[link.engine]}.")
        return self._embedder(link.engine, link.model)

    def _embedder(self, engine: str, model: str) -> Embedder:
        from tertulia.language.engines import embeddings

        if engine == "ollama":
            return embeddings.ollama_embedder(model, url=self._settings.ollama_url)
        if engine == "gemini":
            key = _secret(self._settings.gemini_key) or ""
            return embeddings.gemini_embedder(model, url=self._settings.gemini_url, key=key)
        url, key_ = self.openai_address()
        return embeddings.openai_embedder(model, url=url, key=key_)


def build_language(settings: Settings, metrics: Metrics, clock: Clock) -> LanguageService:
    """The service over the engines there are; a chain that names an unknown one stops the start."""
    maker = ChatModelMaker(settings, metrics, clock)
    try:
        for link in parse_chain(settings.llm):
            if not link.is_offline:
                known_engines(maker.makers)(link)
        embedder = maker.embedder()
    except (UnknownModelError, ModelUnavailableError) as error:
        raise StartError(f"TERTULIA_LLM or TERTULIA_EMBEDDINGS is wrong: {error.detail}") from None
    return LanguageService(
        known_engines(maker.makers),
        clock=clock,
        chain=settings.llm,
        embedder=embedder,
        statuses=maker.statuses,
    )


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value else None
