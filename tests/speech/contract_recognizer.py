"""What every recogniser promises; a test module subclasses these and gives its own fixtures."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from tertulia.speech.domain import (
    SAMPLE_RATE_HZ,
    Hypothesis,
    HypothesisKind,
    LiveRecognizer,
    Recognition,
    RecognitionOptions,
    Recognizer,
    Samples,
)
from tertulia.speech.engines.errors import UnsupportedLanguageError

FRAME = SAMPLE_RATE_HZ // 10
WITH_WORDS = RecognitionOptions(words=True)


def frames(samples: Samples) -> list[Samples]:
    return [samples[at : at + FRAME] for at in range(0, len(samples), FRAME)]


class RecognizerContract:
    """Subclass it, and give the fixtures `recognizer` and `spoken` (samples with speech in them)."""

    async def read(self, recognizer: Recognizer, spoken: Samples) -> Recognition:
        """What is made of the speech; where the engine is slow, a subclass reads it once for all tests."""
        return await recognizer.transcribe(spoken, WITH_WORDS)

    async def test_reads_speech(self, recognizer: Recognizer, spoken: Samples) -> None:
        found = await self.read(recognizer, spoken)
        assert found.text.strip()
        assert found.provider
        assert found.duration_seconds == pytest.approx(len(spoken) / SAMPLE_RATE_HZ)

    async def test_segments_are_in_order_and_inside_the_audio(
        self, recognizer: Recognizer, spoken: Samples
    ) -> None:
        found = await self.read(recognizer, spoken)
        starts = [s.start for s in found.segments]
        assert starts == sorted(starts)
        for segment in found.segments:
            assert 0 <= segment.start <= segment.end <= found.duration_seconds + 0.5
            assert [w.start for w in segment.words] == sorted(w.start for w in segment.words)
        if recognizer.capabilities.words:
            assert any(s.words for s in found.segments)

    async def test_no_audio_is_no_text(self, recognizer: Recognizer) -> None:
        found = await recognizer.transcribe(np.zeros(0, dtype=np.float32))
        assert (found.text, found.duration_seconds) == ("", 0.0)

    async def test_samples_that_are_not_numbers_do_no_harm(
        self, recognizer: Recognizer, spoken: Samples
    ) -> None:
        broken = spoken.copy()
        broken[::97] = np.nan
        broken[5] = np.inf
        assert (await recognizer.transcribe(broken)).duration_seconds > 0

    async def test_an_unknown_language_is_refused(
        self, recognizer: Recognizer, spoken: Samples
    ) -> None:
        if not recognizer.capabilities.languages:
            pytest.skip("says that it takes any language")
        with pytest.raises(UnsupportedLanguageError):
            await recognizer.transcribe(spoken, RecognitionOptions(language="zz"))

    async def test_several_at_once(self, recognizer: Recognizer, spoken: Samples) -> None:
        found = await asyncio.gather(*(recognizer.transcribe(spoken) for _ in range(3)))
        assert len({f.text for f in found}) == 1

    async def test_closing_twice_is_fine(self, recognizer: Recognizer) -> None:
        await recognizer.close()
        await recognizer.close()


async def listened(
    recognizer: LiveRecognizer,
    samples: Samples,
    options: RecognitionOptions = RecognitionOptions(),
    offset_seconds: float = 0.0,
) -> list[Hypothesis]:
    """Sends the samples in frames of 100 ms and gives everything that was heard."""
    stream = await recognizer.open(options, offset_seconds=offset_seconds)

    async def send() -> None:
        for frame in frames(samples):
            await stream.send(frame)
            await asyncio.sleep(0)
        await stream.finish()

    sending = asyncio.create_task(send())
    async with asyncio.timeout(60):
        heard = [h async for h in stream.hypotheses()]
        await sending
    return heard


def finals(heard: Sequence[Hypothesis]) -> list[Hypothesis]:
    return [h for h in heard if h.kind is HypothesisKind.FINAL]


class LiveRecognizerContract:
    """Subclass it, and give the fixtures `live` and `spoken` (samples with speech in them)."""

    async def listen(self, live: LiveRecognizer, spoken: Samples) -> list[Hypothesis]:
        """Everything heard of the speech; where the engine is slow, a subclass listens once for all tests."""
        return await listened(live, spoken)

    async def test_hears_speech(self, live: LiveRecognizer, spoken: Samples) -> None:
        heard = await self.listen(live, spoken)
        assert any(h.text.strip() for h in finals(heard))
        assert all(h.provider for h in heard)

    async def test_a_final_is_never_changed(self, live: LiveRecognizer, spoken: Samples) -> None:
        heard = await self.listen(live, spoken)
        done: set[str] = set()
        for hypothesis in heard:
            assert hypothesis.utterance_id not in done
            if hypothesis.kind is HypothesisKind.FINAL:
                done.add(hypothesis.utterance_id)

    async def test_everything_partial_becomes_final(
        self, live: LiveRecognizer, spoken: Samples
    ) -> None:
        heard = await self.listen(live, spoken)
        # over silence only the time heard moves on, of no utterance
        said = [h for h in heard if h.utterance_id or h.text]
        partial = {h.utterance_id for h in said if h.kind is HypothesisKind.PARTIAL}
        assert partial <= {h.utterance_id for h in finals(heard)}

    async def test_confirmed_time_only_grows(self, live: LiveRecognizer, spoken: Samples) -> None:
        heard = await self.listen(live, spoken)
        reached = [h.heard_until for h in heard]
        assert reached == sorted(reached)
        assert reached[-1] <= len(spoken) / SAMPLE_RATE_HZ + 0.5

    async def test_times_count_from_the_offset(self, live: LiveRecognizer, spoken: Samples) -> None:
        heard = finals(await listened(live, spoken, offset_seconds=100.0))
        assert heard
        assert all(99.9 <= h.start <= h.end for h in heard)
        assert all(w.start >= 99.9 for h in heard for w in h.words)

    async def test_nothing_sent_is_nothing_heard(self, live: LiveRecognizer) -> None:
        assert finals(await listened(live, np.zeros(0, dtype=np.float32))) == []

    async def test_cancelling_ends_the_hypotheses(
        self, live: LiveRecognizer, spoken: Samples
    ) -> None:
        stream = await live.open()
        for frame in frames(spoken)[:5]:
            await stream.send(frame)
        await stream.cancel()
        async with asyncio.timeout(10):
            heard = [h async for h in stream.hypotheses()]
        assert len(heard) < 100

    async def test_an_unknown_language_is_refused(self, live: LiveRecognizer) -> None:
        if not live.capabilities.languages:
            pytest.skip("says that it takes any language")
        with pytest.raises(UnsupportedLanguageError):
            await live.open(RecognitionOptions(language="zz"))

    async def test_several_at_once(self, live: LiveRecognizer, spoken: Samples) -> None:
        heard = await asyncio.gather(*(listened(live, spoken) for _ in range(3)))
        assert all(finals(h) for h in heard)

    async def test_closing_twice_is_fine(self, live: LiveRecognizer) -> None:
        await live.close()
        await live.close()
