"""Which chat models the settings make, and which they refuse."""

from pathlib import Path
from typing import Any

import pytest

from tertulia.kernel.clock import SystemClock
from tertulia.kernel.errors import StartError
from tertulia.kernel.settings import Settings
from tertulia.language.domain import Standing
from tertulia.language.errors import ModelUnavailableError, UnknownModelError
from tertulia.language.service import LanguageService
from tertulia.server.language import ChatModelMaker, build_language
from tertulia.server.metrics import Metrics

pytestmark = pytest.mark.unit


def settings(tmp_path: Path, **given: Any) -> Settings:
    return Settings(data=tmp_path, _env_file=None, **given)


def language(tmp_path: Path, **given: Any) -> LanguageService:
    return build_language(settings(tmp_path, **given), Metrics(), SystemClock())


def test_nothing_set_is_offline(tmp_path: Path) -> None:
    made = language(tmp_path)
    assert [link.name for link in made.chain()] == ["offline"]
    assert {e.name: e.standing for e in made.engines()} == {
        "openai": Standing.NEEDS_KEY,
        "anthropic": Standing.NEEDS_KEY,
        "gemini": Standing.NEEDS_KEY,
        "ollama": Standing.READY,
        "offline": Standing.NAMED,
    }
    assert made.embedder is None


def test_a_chain_of_every_engine(tmp_path: Path) -> None:
    made = language(
        tmp_path,
        llm="openai:a,anthropic:b,gemini:c,ollama:d:8b,offline",
        openai_key="k",
        anthropic_key="k",
        gemini_key="k",
    )
    assert [link.model for link in made.chain()] == ["a", "b", "c", "d:8b", None]
    assert all(e.standing is Standing.NAMED and e.works for e in made.engines())
    # an engine alone is its model of the settings
    assert made.chain("anthropic")[0].name == "anthropic"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"llm": "nobody:x"}, "TERTULIA_LLM"),
        ({"llm": "openai:x"}, "TERTULIA_OPENAI_LLM_KEY"),
        ({"llm": "ollama"}, "ollama:NAME"),
        ({"llm": ","}, "TERTULIA_LLM"),
        ({"embeddings": "anthropic:x"}, "TERTULIA_EMBEDDINGS"),
        ({"embeddings": "ollama"}, "TERTULIA_EMBEDDINGS"),
        ({"embeddings": "gemini:x"}, "TERTULIA_GEMINI_KEY"),
    ],
)
def test_a_wrong_setting_stops_the_start(tmp_path: Path, given: dict[str, str], said: str) -> None:
    with pytest.raises(StartError, match=said):
        language(tmp_path, **given)


def test_a_request_may_not_name_what_is_not_set_up(tmp_path: Path) -> None:
    made = language(tmp_path)
    with pytest.raises(ModelUnavailableError, match="TERTULIA_ANTHROPIC_KEY"):
        made.chain("anthropic:x")
    with pytest.raises(UnknownModelError):
        made.chain("ollama")


def test_a_server_of_its_own_for_chat_does_not_get_another_s_key(tmp_path: Path) -> None:
    given = settings(tmp_path, openai_key="speech", openai_llm_url="http://127.0.0.1:9/v1")
    maker = ChatModelMaker(given, Metrics(), SystemClock())
    assert maker.openai_address() == ("http://127.0.0.1:9/v1", None)
    given = settings(tmp_path, openai_key="speech")
    maker = ChatModelMaker(given, Metrics(), SystemClock())
    assert maker.openai_address() == ("https://api.openai.com/v1", "speech")


@pytest.mark.parametrize("engine", ["openai", "gemini", "ollama"])
def test_embedders_are_made_without_loading_anything(tmp_path: Path, engine: str) -> None:
    made = language(tmp_path, embeddings=f"{engine}:x", openai_key="k", gemini_key="k")
    assert made.embedder is not None
    assert (made.embedder.engine, made.embedder.model) == (engine, "x")
