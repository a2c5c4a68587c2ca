"""Fallback chains: who is tried, who rests, and that nothing is lost or heard twice on the way."""

import asyncio

import numpy as np
import pytest
from tests.fakes.engines import CountingLive, CountingRecognizer, HummingVoice
from tests.speech.contract_recognizer import (
    LiveRecognizerContract,
    RecognizerContract,
    finals,
    listened,
)
from tests.speech.contract_voice import VoiceContract
from tests.speech.contract_voice import spoken as spoken_by

from tertulia.kernel.clock import HeldClock
from tertulia.kernel.vendor import Breaker
from tertulia.speech.chain import ChainRecognizer, ChainVoice
from tertulia.speech.chain_live import ChainLiveRecognizer
from tertulia.speech.domain import (
    SAMPLE_RATE_HZ,
    Hypothesis,
    HypothesisKind,
    RecognitionOptions,
    Samples,
    SpeechOptions,
)
from tertulia.speech.engines.errors import (
    EngineError,
    EngineUnavailableError,
    RecognitionError,
    UnsupportedLanguageError,
)

pytestmark = pytest.mark.unit

AWAY = RecognitionError("away")


def audio(seconds: float) -> Samples:
    return np.full(round(seconds * SAMPLE_RATE_HZ), 0.1, dtype=np.float32)


@pytest.fixture
def spoken() -> Samples:
    return audio(3)


class TestChainRecognizer(RecognizerContract):
    @pytest.fixture
    def recognizer(self) -> ChainRecognizer:
        return ChainRecognizer([CountingRecognizer("one", *[AWAY] * 9), CountingRecognizer("two")])


class TestChainLive(LiveRecognizerContract):
    @pytest.fixture
    def live(self) -> ChainLiveRecognizer:
        return ChainLiveRecognizer([CountingLive("one", breaks_at=1.4), CountingLive("two")])


class TestChainVoice(VoiceContract):
    @pytest.fixture
    def voice(self) -> ChainVoice:
        broken = HummingVoice("one", rate_hz=22_050, breaks_at="second")
        return ChainVoice([broken, HummingVoice("two")])


async def test_the_first_that_works_is_asked_alone() -> None:
    one, two = CountingRecognizer("one"), CountingRecognizer("two")
    found = await ChainRecognizer([one, two]).transcribe(audio(1))
    assert found.provider == "one"
    assert two.heard == []


async def test_the_provider_is_the_whole_chain_tried() -> None:
    chain = ChainRecognizer(
        [
            CountingRecognizer("one", AWAY),
            CountingRecognizer("two", AWAY),
            CountingRecognizer("three"),
        ]
    )
    assert (await chain.transcribe(audio(1))).provider == "one|two|three"


async def test_who_does_not_know_the_language_is_not_asked() -> None:
    one = CountingRecognizer("one", languages=["en"])
    chain = ChainRecognizer([one, CountingRecognizer("two", languages=["es"])])
    assert (await chain.transcribe(audio(1), RecognitionOptions("es"))).provider == "two"
    assert one.heard == []
    assert chain.capabilities.languages == {"en", "es"}
    with pytest.raises(UnsupportedLanguageError):
        await chain.transcribe(audio(1), RecognitionOptions("ru"))


async def test_when_all_fail_the_last_failure_is_told() -> None:
    last = EngineUnavailableError("also away")
    chain = ChainRecognizer([CountingRecognizer("one", AWAY), CountingRecognizer("two", last)])
    with pytest.raises(EngineUnavailableError, match="also away"):
        await chain.transcribe(audio(1))


async def test_who_keeps_failing_rests_and_is_then_tried_by_one() -> None:
    clock = HeldClock()
    one = CountingRecognizer("one", AWAY, AWAY, AWAY)
    chain = ChainRecognizer([one, CountingRecognizer("two")], clock=clock)
    for _ in range(3):
        assert (await chain.transcribe(audio(1))).provider == "one|two"
    assert (await chain.transcribe(audio(1))).provider == "two"
    assert len(one.heard) == 3
    await clock.advance(31)
    assert (await chain.transcribe(audio(1))).provider == "one"


async def test_a_failed_probe_rests_again() -> None:
    clock = HeldClock()
    one = CountingRecognizer("one", *[AWAY] * 4)
    chain = ChainRecognizer([one, CountingRecognizer("two")], clock=clock)
    for _ in range(3):
        await chain.transcribe(audio(1))
    await clock.advance(31)
    assert (await chain.transcribe(audio(1))).provider == "one|two"
    assert (await chain.transcribe(audio(1))).provider == "two"


async def test_while_one_probes_the_others_pass_by() -> None:
    clock = HeldClock()
    breaker = Breaker(clock, failures=1, pause_seconds=10)
    breaker.failed()
    assert breaker.wait_seconds() == 10
    await clock.advance(11)
    with breaker.trial():
        assert breaker.wait_seconds() > 0
    assert breaker.closed


async def test_a_caller_that_gives_up_says_nothing_about_the_engine() -> None:
    breaker = Breaker(HeldClock(), failures=1)
    with pytest.raises(asyncio.CancelledError), breaker.trial():
        raise asyncio.CancelledError
    assert breaker.closed


async def test_when_all_rest_the_caller_is_told_for_how_long() -> None:
    clock = HeldClock()
    chain = ChainRecognizer([CountingRecognizer("one", *[AWAY] * 3)], clock=clock)
    for _ in range(3):
        with pytest.raises(RecognitionError):
            await chain.transcribe(audio(1))
    await clock.advance(10)
    with pytest.raises(EngineUnavailableError) as raised:
        await chain.transcribe(audio(1))
    assert raised.value.headers == {"Retry-After": "20"}


def seconds_of(heard: list[Hypothesis]) -> list[str]:
    return [h.text for h in finals(heard)]


async def test_a_stream_falls_through_when_it_opens() -> None:
    chain = ChainLiveRecognizer([CountingLive("one", refuses=AWAY), CountingLive("two")])
    heard = await listened(chain, audio(2))
    assert seconds_of(heard) == ["second 1", "second 2"]
    assert {h.provider for h in heard} == {"one|two"}


@pytest.mark.parametrize("breaks_at", [0.1, 0.4, 0.9, 1.0, 1.3, 2.6, 4.9])
async def test_a_stream_that_breaks_loses_and_doubles_nothing(breaks_at: float) -> None:
    second = CountingLive("two")
    chain = ChainLiveRecognizer([CountingLive("one", breaks_at=breaks_at), second])
    heard = await listened(chain, audio(5))
    assert seconds_of(heard) == [f"second {n}" for n in range(1, 6)]
    ids = [h.utterance_id for h in finals(heard)]
    assert len(ids) == len(set(ids))
    assert heard[-1].provider == "one|two"
    reheard = sum(len(s) for s in second.streams[0].heard) / SAMPLE_RATE_HZ
    assert reheard <= 5 - int(breaks_at - 0.01) + 0.001


async def test_the_utterance_left_open_is_taken_over() -> None:
    chain = ChainLiveRecognizer([CountingLive("one", breaks_at=1.7), CountingLive("two")])
    heard = await listened(chain, audio(3))
    partial = {h.utterance_id for h in heard if h.kind is HypothesisKind.PARTIAL}
    assert partial <= {h.utterance_id for h in finals(heard)}


async def test_silence_is_of_no_utterance_also_after_a_break() -> None:
    one, two = CountingLive("one", breaks_at=0.7), CountingLive("two")
    stream = await ChainLiveRecognizer([one, two]).open(RecognitionOptions())
    await stream.send(audio(0.8))
    hypotheses = stream.hypotheses()
    left_open, taken_over = await anext(hypotheses), await anext(hypotheses)
    two.streams[0].is_silent_at(0.8)
    silence = await anext(hypotheses)
    await stream.cancel()
    assert (silence.utterance_id, silence.text) == ("", "")
    assert taken_over.utterance_id == left_open.utterance_id


async def test_a_second_break_goes_on_to_the_third() -> None:
    chain = ChainLiveRecognizer(
        [
            CountingLive("one", breaks_at=1.2),
            CountingLive("two", breaks_at=2.2),
            CountingLive("three"),
        ]
    )
    heard = await listened(chain, audio(4))
    assert seconds_of(heard) == [f"second {n}" for n in range(1, 5)]
    assert heard[-1].provider == "one|two|three"


async def test_a_break_with_nobody_left_is_an_error() -> None:
    chain = ChainLiveRecognizer([CountingLive("one", breaks_at=1.2, languages=["en"])])
    stream = await chain.open(RecognitionOptions("en"))
    for _ in range(20):
        await stream.send(audio(0.1))
    hypotheses = stream.hypotheses()
    assert (await anext(hypotheses)).text == "second 1"
    with pytest.raises(EngineError):
        await asyncio.wait_for(_rest(hypotheses), 30)


async def _rest(hypotheses: object) -> None:
    async for _ in hypotheses:  # type: ignore[attr-defined]
        continue


async def test_finals_past_the_confirmed_time_are_silent_in_the_replay() -> None:
    chain = ChainLiveRecognizer([CountingLive("one"), CountingLive("two")])
    stream = await chain.open()
    await stream.send(audio(3))
    stream._kept.confirmed_until(1.0, (2.0, 2.5))
    replayed = np.concatenate(stream._kept.since(SAMPLE_RATE_HZ))
    assert len(replayed) == 2 * SAMPLE_RATE_HZ
    silent = np.flatnonzero(replayed == 0) / SAMPLE_RATE_HZ
    assert (silent[0], round(silent[-1], 3)) == (1.0, 1.5)
    await stream.cancel()


async def test_audio_that_is_confirmed_is_forgotten() -> None:
    chain = ChainLiveRecognizer([CountingLive("one")])
    stream = await chain.open()
    hypotheses = stream.hypotheses()
    for _ in range(600):
        await stream.send(audio(0.1))
    while (await anext(hypotheses)).text != "second 60":
        continue
    assert sum(len(b) for b in stream._kept.since(0)) <= SAMPLE_RATE_HZ
    await stream.cancel()


async def test_a_voice_falls_through_before_its_first_sound() -> None:
    chain = ChainVoice([HummingVoice("one", breaks_after=0), HummingVoice("two")])
    chunks = await spoken_by(chain, "Hello there.")
    assert {c.provider for c in chunks} == {"one|two"}


async def test_a_voice_that_breaks_off_is_followed_by_what_is_not_spoken_yet() -> None:
    one = HummingVoice("one", rate_hz=22_050, breaks_after=1)
    two = HummingVoice("two", rate_hz=16_000)
    long = "This is one of many sentences that are said here, one after another. "
    chunks = await spoken_by(ChainVoice([one, two]), "First things first. " + long * 12)
    assert one.said == ["First things first."]
    assert " ".join(two.said) == (long * 12).strip()
    assert {c.sample_rate_hz for c in chunks} == {22_050}
    starts = [w.start for c in chunks for w in c.words]
    assert starts == sorted(starts)
    assert len(set(starts)) == len(starts)


async def test_the_language_reaches_the_voices() -> None:
    two = HummingVoice("two")
    await spoken_by(ChainVoice([two]), "Hola.", SpeechOptions(language="es", speed=1.5))
    assert two.options == [SpeechOptions(language="es", speed=1.5)]
