"""How files become windows, and windows segments."""

import numpy as np
import pytest
from tests.fakes.scripted_model import LoudnessDetector, silence, speech, words_in

from tertulia.speech.domain import RecognitionOptions, Samples, Segment, Word
from tertulia.speech.host.files import (
    AHEAD_SAMPLES,
    FileCutter,
    FileReader,
    FileWindow,
    segments_of,
)
from tertulia.speech.live import Span
from tertulia.speech.local import FileReading, Reading, Window

pytestmark = pytest.mark.unit


def reader(audio: Samples, language: str | None = "en", *, whole: bool = False) -> FileReader:
    options = RecognitionOptions(language=language)
    return FileReader(options, FileCutter(LoudnessDetector()), len(audio), whole)


def take(target: FileReader, samples: Samples) -> None:
    target.add(target.cut(samples), len(samples))


def feed(target: FileReader, audio: Samples, block: int = 160_000) -> None:
    for at in range(0, len(audio), block):
        take(target, audio[at : at + block])


def read_all(target: FileReader) -> list[FileWindow]:
    windows = []
    while target.ready:
        window = target.take()
        windows.append(window)
        target.accept(window, Reading(words_in(window.window.samples), "en", 0.9))
    return windows


@pytest.mark.parametrize("block", [512, 7_001, 160_000, 10_000_000])
def test_every_word_comes_once_at_its_own_time(block: int) -> None:
    numbers = list(range(2, 60)) * 4
    audio = np.concatenate([silence(2), speech(numbers), silence(40), speech([7, 8]), silence(5)])
    target = reader(audio)
    feed(target, audio, block)
    read_all(target)
    assert target.finished
    found = target.recognition("scripted")
    assert found.text.split() == [f"w{n}" for n in [*numbers, 7, 8]]
    last = found.segments[-1].words[-1]
    assert last.start == pytest.approx(len(audio) / 16_000 - 5.3, abs=0.03)


def test_windows_are_well_filled_and_none_is_too_long() -> None:
    audio = np.concatenate([np.concatenate([speech([5, 6, 7, 8]), silence(4)]) for _ in range(100)])
    target = reader(audio)
    feed(target, audio)
    lengths = [len(window.window.samples) / 16_000 for window in read_all(target)]
    assert max(lengths) <= 30
    assert min(lengths[:-1]) > 25


def test_silence_makes_no_window_and_keeps_no_memory() -> None:
    audio = silence(600)
    target = reader(audio)
    feed(target, audio)
    assert not target.ready
    assert target.finished
    assert target.held < 16_000


def test_a_long_file_is_asked_for_piece_by_piece() -> None:
    audio = speech(list(range(2, 50)) * 60)
    target = reader(audio)
    sent = most = 0
    while sent < len(audio):
        wanted = target.wanted()
        assert wanted
        take(target, audio[sent : sent + wanted])
        sent += wanted
        most = max(most, target.held)
        read_all(target)
    assert target.wanted() == 0
    assert target.finished
    assert most <= AHEAD_SAMPLES


def test_the_first_window_tells_the_language_to_the_others() -> None:
    audio = speech(list(range(2, 50)) * 8)
    target = reader(audio, language=None)
    feed(target, audio)
    first = target.take()
    assert not target.ready
    target.accept(first, Reading(words_in(first.window.samples), "es", 0.9))
    assert target.take().window.options.language == "es"
    assert target.recognition("x").language == "es"


def test_a_file_can_be_read_in_one_piece() -> None:
    audio = np.concatenate([silence(3), speech(list(range(2, 50)) * 5)])
    target = reader(audio, whole=True)
    while wanted := target.wanted():
        take(target, audio[target.cutter.received :][:wanted])
    window = target.take()
    assert len(window.window.samples) == len(audio)
    target.accept_whole(window, FileReading((Segment("hello", 0, 1, speaker="A"),), "en"))
    assert target.finished
    assert target.recognition("x").segments[0].speaker == "A"


def window_of(*pieces: Span) -> FileWindow:
    options = RecognitionOptions()
    return FileWindow(0, pieces, Window(silence(1), options, quick=False))


def test_times_are_those_of_the_file_even_where_silence_was_left_out() -> None:
    window = window_of(Span(16_000, 32_000), Span(160_000, 192_000))
    assert window.place(0.5) == 1.5
    assert window.place(1.5) == 10.5
    assert window.place(99) == 12


def test_words_become_sentences() -> None:
    texts = ["This", "is", "one.", "Here", "is", "two.", "Three"]
    starts = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 9.0]
    words = tuple(Word(t, s, s + 0.8) for t, s in zip(texts, starts, strict=True))
    segments = segments_of(window_of(Span(0, 320_000)), Reading(words, "en", 0.5))
    assert [s.text for s in segments] == ["This is one.", "Here is two.", "Three"]
    assert [s.start for s in segments] == [0.0, 3.0, 9.0]
    assert segments[0].confidence == 0.5


def test_what_a_model_says_over_silence_is_dropped() -> None:
    reading = Reading((Word("Thanks!", 0, 1),), "en", 0.1, no_speech=0.95)
    assert segments_of(window_of(Span(0, 16_000)), reading) == []


@pytest.mark.parametrize("gap", [4, 30, 300])
def test_sparse_speech_is_asked_for_to_its_end(gap: int) -> None:
    audio = np.concatenate([np.concatenate([speech([5, 6, 7]), silence(gap)]) for _ in range(40)])
    target = reader(audio)
    sent = held = 0
    while wanted := target.wanted():
        for at in range(sent, sent + wanted, 160_000):
            take(target, audio[at : min(at + 160_000, sent + wanted)])
        sent += wanted
        held = max(held, target.held)
        read_all(target)
    assert sent == len(audio)
    assert target.finished
    assert target.recognition("scripted").text.split() == ["w5", "w6", "w7"] * 40
    assert held <= AHEAD_SAMPLES + 160_000
