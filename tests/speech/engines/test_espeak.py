"""eSpeak NG as it comes in its wheel."""

import asyncio
import time

import pytest
from tests.speech.contract_voice import VoiceContract, seconds, spoken

from tertulia.speech.domain import SpeechOptions
from tertulia.speech.engines.base import Outcome, Unit
from tertulia.speech.engines.errors import UnsupportedLanguageError
from tertulia.speech.engines.espeak import EspeakVoice

pytestmark = pytest.mark.engine


@pytest.fixture
def voice() -> EspeakVoice:
    return EspeakVoice()


class TestEspeakVoice(VoiceContract):
    pass


@pytest.mark.parametrize(
    ("text", "language"),
    [("Hola, ¿qué tal estás?", "es"), ("Привет, как дела?", "ru"), ("你好", "zh"), ("Hei", "no")],
)
async def test_speaks_in_the_language_asked_for(
    voice: EspeakVoice, text: str, language: str
) -> None:
    assert seconds(await spoken(voice, text, SpeechOptions(language=language))) > 0.2


async def test_guesses_the_language_when_none_is_given(voice: EspeakVoice) -> None:
    text = "Привет, как твои дела сегодня?"
    guessed, russian, english = [
        seconds(await spoken(voice, text, SpeechOptions(language=language)))
        for language in (None, "ru", "en")
    ]
    assert guessed == pytest.approx(russian, rel=0.05)
    assert english > russian * 1.5


async def test_word_times_name_every_word(voice: EspeakVoice) -> None:
    chunks = await spoken(voice, "Mañana por la mañana. Él vendrá.", SpeechOptions(language="es"))
    words = [w.text for c in chunks for w in c.words]
    assert words == ["Mañana", "por", "la", "mañana", "Él", "vendrá"]


async def test_a_chosen_voice_sounds_different(voice: EspeakVoice) -> None:
    british = await spoken(voice, "Hello there.", SpeechOptions(voice="en-gb"))
    american = await spoken(voice, "Hello there.", SpeechOptions(voice="en-us"))
    assert len(british[0].pcm16) != len(american[0].pcm16)


async def test_lists_more_than_a_hundred_voices(voice: EspeakVoice) -> None:
    voices = await voice.voices()
    assert len(voices) > 100
    assert {"es", "ru", "en-us"} <= {v.id for v in voices}


async def test_an_unknown_language_is_refused(voice: EspeakVoice) -> None:
    with pytest.raises(UnsupportedLanguageError, match="leave the language out"):
        await spoken(voice, "Hello", SpeechOptions(language="zz"))


async def test_the_first_sound_comes_before_the_whole_text_is_spoken(voice: EspeakVoice) -> None:
    text = " ".join(f"This is sentence number {n}." for n in range(30))
    chunks = await spoken(voice, text)
    assert len(chunks) == 30


async def test_the_loop_runs_while_it_speaks(voice: EspeakVoice) -> None:
    longest, stop = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        while not stop.is_set():
            before = time.monotonic()
            await asyncio.sleep(0)
            longest = max(longest, time.monotonic() - before)

    watcher = asyncio.create_task(watch())
    await spoken(voice, "A rather long sentence about nothing at all. " * 50)
    stop.set()
    await watcher
    assert longest < 0.2


async def test_odd_text_is_no_trouble(voice: EspeakVoice) -> None:
    assert await spoken(voice, "Zero\0byte and <b>tags</b> and [[pho'nemes]] and \ud83d alone")
    assert await spoken(voice, "a" * 5000)
    assert await spoken(voice, "🙂") is not None


async def test_characters_are_reported() -> None:
    seen: list[tuple[str, Unit, float, Outcome]] = []

    class Observer:
        def used(
            self, engine: str, unit: Unit, quantity: float, elapsed_ms: int, outcome: Outcome
        ) -> None:
            seen.append((engine, unit, quantity, outcome))

    await spoken(EspeakVoice(observer=Observer()), "Hello")
    assert seen == [("espeak", Unit.CHARACTERS, 5, Outcome.OK)]
