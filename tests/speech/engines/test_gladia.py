"""Gladia, against a fake that speaks its protocol and loses sockets on purpose."""

import asyncio
import logging
from collections.abc import AsyncIterator

import numpy as np
import pytest
from tests.fakes.engines import CountingLive
from tests.fakes.gladia import Gladia
from tests.speech.contract_recognizer import (
    LiveRecognizerContract,
    RecognizerContract,
    finals,
    listened,
)

from tertulia.kernel.clock import HeldClock
from tertulia.speech.chain_live import ChainLiveRecognizer
from tertulia.speech.domain import SAMPLE_RATE_HZ, RecognitionOptions, Samples
from tertulia.speech.engines.base import Patience
from tertulia.speech.engines.errors import (
    EngineError,
    EngineTimeoutError,
    EngineUnavailableError,
    RecognitionError,
)
from tertulia.speech.engines.gladia import GladiaLiveRecognizer, GladiaRecognizer

pytestmark = pytest.mark.unit

QUICK = Patience(attempts=2, first_wait_seconds=0.01)


def audio(seconds: float) -> Samples:
    return np.full(round(seconds * SAMPLE_RATE_HZ), 0.1, dtype=np.float32)


@pytest.fixture
def spoken() -> Samples:
    return audio(2.3)


@pytest.fixture
async def fake() -> AsyncIterator[Gladia]:
    fake = Gladia(polls_until_done=0)
    async with fake.run():
        yield fake


@pytest.fixture
async def recognizer(fake: Gladia) -> AsyncIterator[GladiaRecognizer]:
    engine = GladiaRecognizer(fake.key, fake.url, patience=QUICK)
    yield engine
    await engine.close()


@pytest.fixture
async def live(fake: Gladia) -> AsyncIterator[GladiaLiveRecognizer]:
    engine = GladiaLiveRecognizer(fake.key, fake.url, patience=QUICK)
    yield engine
    await engine.close()


class TestGladiaRecognizer(RecognizerContract):
    pass


class TestGladiaLive(LiveRecognizerContract):
    pass


async def test_a_recording_is_uploaded_begun_and_polled(
    fake: Gladia, recognizer: GladiaRecognizer, spoken: Samples
) -> None:
    options = RecognitionOptions(language="es-MX", diarise=True, hot_words=("Tertulia",))
    found = await recognizer.transcribe(spoken, options)
    assert [kind for kind, _ in fake.requests] == ["upload", "job", "poll"]
    assert fake.requests[1][1] == {
        "audio_url": f"{fake.url}/file/f1",
        "language_config": {"languages": ["es"], "code_switching": False},
        "diarization": True,
        "custom_vocabulary": True,
        "custom_vocabulary_config": {"vocabulary": ["Tertulia"]},
    }
    segment = found.segments[0]
    assert (segment.text, segment.speaker, segment.confidence) == (
        "what was said",
        "speaker 1",
        0.8,
    )
    assert [w.text for w in segment.words] == ["what", "was", "said"]
    assert found.language == "es"


async def test_polling_waits_longer_and_longer(fake: Gladia, spoken: Samples) -> None:
    fake.polls_until_done = 3
    clock = HeldClock()
    engine = GladiaRecognizer(fake.key, fake.url, clock=clock)
    work = asyncio.create_task(engine.transcribe(spoken))
    while not work.done():
        await clock.advance(0.02)
    assert (await work).text == "what was said"
    assert sum(kind == "poll" for kind, _ in fake.requests) == 4
    assert clock.monotonic() >= 1.0 + 1.5 + 2.25
    await engine.close()


async def test_a_failed_poll_does_not_begin_the_job_anew(
    fake: Gladia, recognizer: GladiaRecognizer, spoken: Samples
) -> None:
    await recognizer.transcribe(spoken)
    fake.requests.clear()
    fake.behaviours = ["well", "well", "500"]
    await recognizer.transcribe(spoken)
    assert [kind for kind, _ in fake.requests] == ["upload", "job", "poll"]
    fake.requests.clear()
    fake.behaviours = ["well", "well", "500", "500"]
    with pytest.raises(RecognitionError):
        await recognizer.transcribe(spoken)
    assert [kind for kind, _ in fake.requests] == ["upload", "job"]


async def test_translation_reads_the_translated_text(
    recognizer: GladiaRecognizer, spoken: Samples
) -> None:
    found = await recognizer.transcribe(spoken, RecognitionOptions(translate=True))
    assert found.language == "en"


@pytest.mark.parametrize("behaviour", ["429", "500", "garbage"])
async def test_what_passes_is_tried_again(fake: Gladia, spoken: Samples, behaviour: str) -> None:
    fake.behaviours = [behaviour]
    engine = GladiaRecognizer(fake.key, fake.url, patience=Patience(first_wait_seconds=0.01))
    assert (await engine.transcribe(spoken)).text
    await engine.close()


async def test_a_job_that_fails_is_told_without_words(
    fake: Gladia, recognizer: GladiaRecognizer, spoken: Samples
) -> None:
    fake.job_fails = True
    with pytest.raises(RecognitionError, match="error 415"):
        await recognizer.transcribe(spoken)


async def test_a_wrong_key_names_the_setting(fake: Gladia, spoken: Samples) -> None:
    for engine in (GladiaRecognizer("no", fake.url), GladiaLiveRecognizer("no", fake.url)):
        work = engine.transcribe(spoken) if isinstance(engine, GladiaRecognizer) else engine.open()
        with pytest.raises(EngineUnavailableError, match="TERTULIA_GLADIA_KEY") as raised:
            await work
        assert fake.key not in str(raised.value)
        await engine.close()


async def test_nothing_answering_times_out(fake: Gladia, spoken: Samples) -> None:
    fake.behaviours = ["hang"]
    clock = HeldClock()
    engine = GladiaRecognizer(fake.key, fake.url, clock=clock)
    work = asyncio.create_task(engine.transcribe(spoken))
    await asyncio.wait_for(fake.answered.wait(), 10)
    await clock.advance(901)
    with pytest.raises(EngineTimeoutError):
        await work
    await engine.close()


def texts(heard: object) -> list[str]:
    return [h.text for h in finals(heard)]  # type: ignore[arg-type]


async def test_live_words_and_times(live: GladiaLiveRecognizer, fake: Gladia) -> None:
    heard = await listened(live, audio(2.3), RecognitionOptions("es", hot_words=("Tertulia",)))
    assert texts(heard) == ["second 1", "second 2", "second 3"]
    first = finals(heard)[0]
    assert (first.start, first.end, first.heard_until, first.language) == (0.0, 1.0, 1.0, "es")
    assert [w.text for w in first.words] == ["second", "1"]
    options = fake.sessions["session0-0000"].options
    assert (options["encoding"], options["sample_rate"]) == ("wav/pcm", 16_000)
    assert options["messages_config"]["receive_acknowledgments"]
    assert options["realtime_processing"]["custom_vocabulary"]


@pytest.mark.parametrize("live_behaviours", [["drop:0"], ["drop:0.35"], ["drop:1.75", "drop:3.3"]])
async def test_a_lost_socket_is_taken_up_again_and_nothing_is_lost_or_doubled(
    live: GladiaLiveRecognizer, fake: Gladia, live_behaviours: list[str]
) -> None:
    fake.live = list(live_behaviours)
    heard = await listened(live, audio(5))
    assert texts(heard) == [f"second {n}" for n in range(1, 6)]
    session = fake.sessions["session0-0000"]
    assert session.sockets == len(live_behaviours) + 1
    assert session.received == 5 * 32_000
    assert len(fake.sessions) == 1


async def test_a_socket_that_is_lost_at_the_end_is_told_again_to_stop(
    live: GladiaLiveRecognizer, fake: Gladia
) -> None:
    fake.live = ["drop:1.95"]
    assert texts(await listened(live, audio(2))) == ["second 1", "second 2"]
    assert fake.sessions["session0-0000"].stopped


@pytest.mark.parametrize("behaviour", ["garbage", "drop:0"])
async def test_sockets_that_keep_failing_are_given_up(fake: Gladia, behaviour: str) -> None:
    fake.live = [behaviour] * 20
    clock = HeldClock()
    live = GladiaLiveRecognizer(fake.key, fake.url, clock=clock)
    work = asyncio.create_task(listened(live, audio(1)))
    while not work.done():
        await clock.advance(0.02)
    with pytest.raises(EngineError):
        await work
    assert fake.sessions["session0-0000"].sockets == 6
    await live.close()


async def test_a_session_that_gladia_ends_is_not_taken_up_again(
    live: GladiaLiveRecognizer, fake: Gladia
) -> None:
    fake.live = ["end:1"]
    with pytest.raises(RecognitionError, match="4408"):
        await listened(live, audio(3))
    assert fake.sessions["session0-0000"].sockets == 1


async def test_an_error_message_ends_the_stream_without_its_words(
    live: GladiaLiveRecognizer, fake: Gladia
) -> None:
    fake.live = ["error"]
    with pytest.raises(RecognitionError) as raised:
        await listened(live, audio(1))
    assert "what was said" not in str(raised.value)


async def test_a_socket_that_acknowledges_nothing_is_replaced(fake: Gladia) -> None:
    fake.live = ["deaf"]
    clock = HeldClock()
    live = GladiaLiveRecognizer(fake.key, fake.url, clock=clock)
    work = asyncio.create_task(listened(live, audio(1)))
    await asyncio.wait_for(fake.answered.wait(), 10)
    await clock.advance(31)
    assert texts(await work) == ["second 1"]
    assert fake.sessions["session0-0000"].sockets == 2
    await live.close()


async def test_a_session_that_never_ends_times_out(fake: Gladia) -> None:
    fake.live = ["never_ends"] * 99
    clock = HeldClock()
    live = GladiaLiveRecognizer(fake.key, fake.url, clock=clock)
    work = asyncio.create_task(listened(live, audio(1)))
    while not work.done():
        await clock.advance(1)
    with pytest.raises(EngineError):
        await work
    await live.close()


async def test_a_chain_goes_on_where_gladia_broke_off(
    live: GladiaLiveRecognizer, fake: Gladia
) -> None:
    fake.live = ["end:2"]
    chain = ChainLiveRecognizer([live, CountingLive("whisper")])
    heard = await listened(chain, audio(4))
    assert texts(heard) == [f"second {n}" for n in range(1, 5)]
    assert heard[-1].provider == "gladia|whisper"


async def test_the_sockets_address_with_its_token_is_never_logged(
    live: GladiaLiveRecognizer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await listened(live, audio(1))
    assert "token=" not in caplog.text.replace("uvicorn", "")
