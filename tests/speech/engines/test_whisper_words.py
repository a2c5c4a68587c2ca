"""Whisper's tokens to stretches and words, packs of speech, and text that was made up."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tertulia.speech.activity import Span
from tertulia.speech.engines.hallucinations import compression, over_silence
from tertulia.speech.engines.packing import packed
from tertulia.speech.engines.whisper_words import Stretch, aligned, spread, stretches, to_text

pytestmark = pytest.mark.unit

FIRST_STAMP = 1000


def _stamp(seconds: float) -> int:
    return FIRST_STAMP + round(seconds / 0.02)


class Letters:
    """A tokenizer whose tokens are the words given to it."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def split_to_word_tokens(self, tokens: list[int]) -> tuple[list[str], list[list[int]]]:
        return [self.words[token] for token in tokens], [[token] for token in tokens]


def test_pairs_of_stamps_part_stretches() -> None:
    tokens = [_stamp(0), 1, 2, _stamp(2), _stamp(2.5), 3, _stamp(4)]
    found, until = stretches(tokens, FIRST_STAMP, 10.0)
    assert found == [Stretch((1, 2), 0.0, 2.0), Stretch((3,), 2.5, 4.0)]
    assert until == 10.0  # one stamp at the end: nobody speaks after it


def test_text_cut_by_the_limit_is_read_again_from_the_last_pair() -> None:
    found, until = stretches([_stamp(0), 1, _stamp(2), _stamp(3), 2], FIRST_STAMP, 10.0)
    assert found == [Stretch((1,), 0.0, 2.0)]
    assert until == 3.0


def test_a_pair_at_the_end_says_there_is_more() -> None:
    _, until = stretches([_stamp(0), 1, _stamp(4), _stamp(4)], FIRST_STAMP, 10.0)
    assert until == 4.0


def test_text_without_stamps_fills_the_window() -> None:
    assert stretches([1, 2], FIRST_STAMP, 5.0) == ([Stretch((1, 2), 0.0, 5.0)], 5.0)
    assert stretches([], FIRST_STAMP, 5.0) == ([], 5.0)


def test_stamps_never_run_backwards_or_past_the_window() -> None:
    found, _ = stretches([_stamp(3), 1, _stamp(1), _stamp(0.5), 2, _stamp(29)], FIRST_STAMP, 8.0)
    times = [time for stretch in found for time in (stretch.start, stretch.end)]
    assert times == sorted(times)
    assert times[-1] <= 8.0


def test_words_are_spread_by_their_length() -> None:
    timed = spread(Stretch((0, 1), 1.0, 2.0), Letters(" a", " longer"))
    assert [(word.text, round(word.start, 2)) for word in timed] == [(" a", 1.0), (" longer", 1.22)]
    assert timed[-1].end == pytest.approx(2.0)


def test_punctuation_belongs_to_its_word() -> None:
    tokenizer = Letters(" ¿", "Qué", " tal", "?", " bien", ".")
    timed = spread(Stretch((0, 1, 2, 3, 4, 5), 0.0, 3.0), tokenizer)
    assert [word.text for word in timed] == [" ¿Qué", " tal?", " bien."]
    assert to_text(timed) == "¿Qué tal? bien."


def test_aligned_words_keep_out_of_the_pause() -> None:
    words = Letters(" one", " two", " three")
    path = [(0, 0), (0, 400), (1, 425), (2, 450), (3, 460)]
    result: Any = SimpleNamespace(alignments=path, text_token_probs=[0.9, 0.8, 0.7])
    timed = aligned(result, words, [0, 1, 2])
    assert [round(word.end, 2) for word in timed] == [8.5, 9.0, 9.2]
    assert timed[0].start > 6.5  # the eight seconds before it are silence
    assert [word.confidence for word in timed] == pytest.approx([0.9, 0.8, 0.7])


def test_what_models_put_over_silence() -> None:
    for text in (
        "Thanks for watching!",
        "Gracias por ver el vídeo.",
        "Субтитры сделал кто-то",
        " you ",
    ):
        assert over_silence(text)
    for text in (
        "We watched and listened",
        "Gracias",
        "Do you know",
        "Продолжение следует за этим",
    ):
        assert not over_silence(text)


def test_compression_tells_repetition() -> None:
    assert compression("") == 0.0
    assert compression("people gather in the square after dinner") < 1.5
    assert compression("again and again and again and again and again and again and again") > 2.4


def test_packs_hold_spans_without_the_silence_between() -> None:
    samples = np.arange(100 * 16_000, dtype=np.float32)
    spans = [Span(0, 16_000), Span(160_000, 176_000), Span(1_280_000, 1_296_000)]
    packs = packed(samples, spans, most_seconds=2.0)
    assert [pack.seconds for pack in packs] == [2.0, 1.0]
    assert packs[0].place(0.5) == 0.5
    assert packs[0].place(1.0, end=True) == 1.0
    assert packs[0].place(1.0) == 10.0
    assert packs[0].place(1.5) == 10.5
    assert packs[1].place(0.25) == 80.25
    assert packs[0].samples[16_000] == samples[160_000]


def test_the_rest_of_a_pack_keeps_its_places() -> None:
    samples = np.arange(100 * 16_000, dtype=np.float32)
    pack = packed(samples, [Span(0, 32_000), Span(160_000, 192_000)], most_seconds=30)[0]
    rest = pack.after(1.0)
    assert rest is not None
    assert rest.seconds == 3.0
    assert rest.place(0.0) == 1.0
    assert rest.place(1.5) == 10.5
    late = pack.after(3.0)
    assert late is not None
    assert late.place(0.5) == 11.5
    assert pack.after(4.0) is None
