"""Embeddings from a server on loopback."""

import pytest
from tests.fakes.openai_chat import OpenAIChatServer, vector

from tertulia.language.engines import embeddings
from tertulia.language.engines.embeddings import ollama_embedder, openai_embedder
from tertulia.language.errors import LanguageError, ModelUnavailableError
from tertulia.language.usage import Usage

pytestmark = pytest.mark.unit


async def test_texts_become_vectors_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "AT_ONCE", 2)
    fake = OpenAIChatServer()
    async with fake.run() as url:
        embedder = openai_embedder("tested", url=url, key=fake.key)
        found = await embedder.embed(["a harbour", "a boat", "the sea"])
        await embedder.close()
    assert found.vectors == tuple(tuple(vector(t)) for t in ("a harbour", "a boat", "the sea"))
    assert found.usage == Usage(9)
    assert (found.provider, found.model) == ("openai", "tested")
    assert fake.embedded == [["a harbour", "a boat"], ["the sea"]]


async def test_ollama_is_asked_by_its_bare_address() -> None:
    fake = OpenAIChatServer()
    async with fake.run() as url:
        embedder = ollama_embedder("tested", url=url.removesuffix("/v1"))
        found = await embedder.embed(["", "x" * 100_000], query=True)
        await embedder.close()
    assert len(found.vectors) == 2
    assert max(len(text) for text in fake.embedded[0]) == embeddings.LONGEST_CHARACTERS


async def test_a_server_that_is_away_has_a_name() -> None:
    embedder = ollama_embedder("tested", url="http://127.0.0.1:1")
    with pytest.raises(ModelUnavailableError):
        await embedder.embed(["hello"])
    await embedder.close()
    assert issubclass(ModelUnavailableError, LanguageError)
