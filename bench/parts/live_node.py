"""A real server whose live engine does nothing at all, for measuring what everything around an engine costs.

`python -m bench.parts.live_node serve …`.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

from tertulia.cli.main import main
from tertulia.kernel.settings import Settings
from tertulia.server import wiring
from tertulia.server.metrics import Metrics
from tertulia.server.speech import Speech, build_speech
from tertulia.speech.domain import (
    Capabilities,
    Hypothesis,
    HypothesisKind,
    LiveStream,
    RecognitionOptions,
    Samples,
)
from tertulia.speech.service import Engines, SpeechService

TOLD_SAMPLES = 5 * 16_000
"""As often as a silence is committed; what an engine says costs what goal 1 measures, and is not counted here."""


class NothingStream:
    """Takes sound and says nothing, but every now and then that it was heard, so that it need not be kept."""

    def __init__(self, offset: float) -> None:
        self._at = round(offset * 16_000)
        self._told = self._at
        self._heard: asyncio.Queue[Hypothesis | None] = asyncio.Queue()

    async def send(self, samples: Samples) -> None:
        self._at += len(samples)
        if self._at - self._told >= TOLD_SAMPLES:
            self._told = self._at
            at = self._at / 16_000
            self._heard.put_nowait(Hypothesis("", HypothesisKind.PARTIAL, "", at, at, at))

    async def hypotheses(self) -> AsyncIterator[Hypothesis]:
        while (heard := await self._heard.get()) is not None:
            yield heard

    async def finish(self) -> None:
        self._heard.put_nowait(None)

    async def cancel(self) -> None:
        self._heard.put_nowait(None)


class Nothing:
    """An engine of such streams, without the layers that watch over real ones."""

    name = "nothing"
    capabilities = Capabilities(detects_language=True)

    async def open(
        self, options: RecognitionOptions = RecognitionOptions(), *, offset_seconds: float = 0.0
    ) -> LiveStream:
        return NothingStream(offset_seconds)

    async def close(self) -> None:
        return None


class _Service(SpeechService):
    """Opens streams of nothing at once."""

    async def open_live(
        self,
        options: RecognitionOptions = RecognitionOptions(),
        *,
        engine: str | None = None,
        offset_seconds: float = 0.0,
    ) -> LiveStream:
        return NothingStream(offset_seconds)


class _Chooser:
    def recognizers(self, language: str | None) -> list[str]:
        return ["nothing"]

    live = voices = recognizers


def silent(
    settings: Settings, metrics: Metrics | None = None, *, warm: tuple[str, ...] = ()
) -> Speech:
    speech = build_speech(settings, metrics, warm=warm)
    engines = Engines({}, {"nothing": Nothing()}, {})
    return replace(speech, service=_Service(engines, speech.decoder, _Chooser()))


if __name__ == "__main__":
    wiring.build_speech = silent
    sys.exit(main())
