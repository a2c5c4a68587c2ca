"""The local engines as the server has them: models in a real speech host, whole files and live."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import pytest_asyncio
from tests.fakes.engines import CountingLive, CountingRecognizer
from tests.fakes.tiny_transducer import tiny_transducer
from tests.speech.contract_recognizer import (
    LiveRecognizerContract,
    RecognizerContract,
    finals,
    listened,
)

from tertulia.speech.chain import ChainRecognizer
from tertulia.speech.chain_live import ChainLiveRecognizer
from tertulia.speech.domain import (
    Capabilities,
    Hypothesis,
    LiveRecognizer,
    Recognition,
    RecognitionOptions,
    Recognizer,
    Samples,
)
from tertulia.speech.engines.errors import RecognitionError
from tertulia.speech.host.client import HostConfig, SpeechHost
from tertulia.speech.host.models import ModelSpec

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]

LOADING = "tertulia.speech.engines.loading"
ENGINES = ("pocketsphinx", "whisper", "sherpa")
ENGLISH = RecognitionOptions("en")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def host(
    tiny_whisper: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SpeechHost]:
    folder = tmp_path_factory.mktemp("models")
    models = {"whisper": str(tiny_whisper), "sherpa": str(tiny_transducer(folder / "transducer"))}
    host = SpeechHost(
        HostConfig(
            {
                name: ModelSpec(f"{LOADING}:{name}", _config(folder, models.get(name)))
                for name in ENGINES
            },
            workers=2,
            max_live=8,
        )
    )
    await host.start()
    yield host
    await host.close()


def _config(folder: Path, model: str | None) -> dict[str, object]:
    return {
        "models": str(folder),
        "model": model,
        "download": False,
        "speakers": None,
        "device": "cpu",
        "compute_type": "auto",
        "workers": 2,
    }


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def able(host: SpeechHost) -> dict[str, Capabilities]:
    """What each engine says it can do, once its model is loaded."""
    return {name: await host.load(name) for name in ENGINES}


@pytest.fixture(params=ENGINES, scope="module")
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def spoken(speech: Path) -> Samples:
    """Go forward ten meters."""
    raw = (speech / "en" / "goforward.raw").read_bytes()
    return np.frombuffer(raw, "<i2").astype(np.float32) / 32768


class TestHosted(RecognizerContract):
    once: ClassVar[dict[str, Recognition]] = {}

    @pytest.fixture
    def recognizer(self, host: SpeechHost, able: dict[str, Capabilities], name: str) -> Recognizer:
        return host.recognizer(name, capabilities=able[name])

    async def read(self, recognizer: Recognizer, spoken: Samples) -> Recognition:
        if recognizer.name not in self.once:
            self.once[recognizer.name] = await super().read(recognizer, spoken)
        return self.once[recognizer.name]


class TestHostedLive(LiveRecognizerContract):
    once: ClassVar[dict[str, list[Hypothesis]]] = {}

    @pytest.fixture
    def live(self, host: SpeechHost, able: dict[str, Capabilities], name: str) -> LiveRecognizer:
        return host.live_recognizer(name, capabilities=able[name])

    async def listen(self, live: LiveRecognizer, spoken: Samples) -> list[Hypothesis]:
        if live.name not in self.once:
            self.once[live.name] = await super().listen(live, spoken)
        return self.once[live.name]


class TestChainOverTheHost(RecognizerContract):
    @pytest.fixture
    def recognizer(self, host: SpeechHost, able: dict[str, Capabilities]) -> Recognizer:
        away = CountingRecognizer("away", *[RecognitionError("away")] * 9)
        return ChainRecognizer([away, host.recognizer("sherpa", capabilities=able["sherpa"])])


class TestLiveChainOverTheHost(LiveRecognizerContract):
    @pytest.fixture
    def live(self, host: SpeechHost, able: dict[str, Capabilities]) -> LiveRecognizer:
        second = host.live_recognizer("sherpa", capabilities=able["sherpa"])
        return ChainLiveRecognizer([CountingLive("one", breaks_at=0.3), second])


async def test_a_file_and_a_stream_of_real_speech_are_understood(
    host: SpeechHost, able: dict[str, Capabilities], spoken: Samples
) -> None:
    found = await host.recognizer("pocketsphinx").transcribe(spoken, ENGLISH)
    heard = finals(await listened(host.live_recognizer("pocketsphinx"), spoken, ENGLISH))
    assert found.text.split()[:3] == ["go", "forward", "ten"]
    assert " ".join(h.text for h in heard).split()[:3] == ["go", "forward", "ten"]
