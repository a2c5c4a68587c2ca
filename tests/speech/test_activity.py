"""Where somebody speaks."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from tertulia.speech.activity import (
    WINDOW_SAMPLES,
    ActivityOptions,
    ActivityStream,
    Segmenter,
    speech_spans,
)
from tertulia.speech.domain import SAMPLE_RATE_HZ, Samples

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def talk(speech: Path) -> Samples:
    """Two people, with pauses between them."""
    return _samples(speech / "meeting" / "azure_katiesteve.wav")


def _samples(path: Path) -> Samples:
    from faster_whisper.audio import decode_audio

    samples: Samples = decode_audio(str(path))
    return samples


def test_probabilities_are_sileros_own(talk: Samples) -> None:
    from faster_whisper.vad import get_vad_model

    whole = talk[: talk.size // WINDOW_SAMPLES * WINDOW_SAMPLES]
    theirs = get_vad_model()(whole.copy()).reshape(-1)
    assert np.allclose(ActivityStream().feed(whole), theirs, atol=1e-4)


def test_pieces_give_what_the_whole_gives(talk: Samples) -> None:
    whole = ActivityStream().feed(talk)
    stream = ActivityStream()
    parts = np.concatenate([stream.feed(talk[i : i + 777]) for i in range(0, talk.size, 777)])
    assert np.allclose(parts, whole, atol=1e-4)


def test_each_turn_of_a_talk_is_a_span(talk: Samples) -> None:
    spans = speech_spans(talk)
    assert len(spans) == 7
    assert all(a.end <= b.start for a, b in itertools.pairwise(spans))
    assert spans[0].start >= 0
    assert spans[-1].end <= talk.size


def test_spans_arrive_while_the_talk_goes_on(talk: Samples) -> None:
    segmenter = Segmenter()
    spans, delays, opened = [], [], []
    for start in range(0, talk.size, 1600):
        for span in segmenter.feed(talk[start : start + 1600]):
            delays.append(segmenter.heard - span.end)
            spans.append(span)
        if segmenter.open_since is not None:
            opened.append(segmenter.open_since)
    spans += segmenter.finish()
    assert spans == speech_spans(talk)
    assert max(delays) <= 0.5 * SAMPLE_RATE_HZ
    assert {span.start for span in spans} <= set(opened)


def test_long_speech_is_cut_where_it_is_quietest(speech: Path) -> None:
    samples = _samples(speech / "en" / "azure_cs_training_audio1.wav")
    options = ActivityOptions(max_seconds=5)
    spans = speech_spans(samples, options)
    assert len(spans) >= 7
    loudness = []
    for span in spans[:-1]:
        assert span.end - span.start <= 5 * SAMPLE_RATE_HZ
        around = samples[span.end - WINDOW_SAMPLES : span.end + WINDOW_SAMPLES]
        loudness.append(float(np.abs(around).mean()))
    assert np.mean(loudness) < 0.3 * np.abs(samples).mean()
    assert all(a.end <= b.start for a, b in itertools.pairwise(spans))


@pytest.mark.parametrize("seconds", [0, 0.01, 60])
def test_silence_holds_no_speech(seconds: float) -> None:
    assert speech_spans(np.zeros(int(seconds * SAMPLE_RATE_HZ), np.float32)) == []


def test_noise_and_tones_hold_no_speech() -> None:
    noise = np.random.default_rng(3).normal(0, 0.05, 20 * SAMPLE_RATE_HZ).astype(np.float32)
    tone = 0.3 * np.sin(np.arange(20 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ * 2 * np.pi * 440)
    assert speech_spans(noise) == []
    assert speech_spans(tone.astype(np.float32)) == []


def test_hours_of_digital_silence_cost_nothing() -> None:
    stream = ActivityStream()
    stream.feed(np.zeros(2 * SAMPLE_RATE_HZ, np.float32))
    calls = []

    class Watched:
        def run(self, *_arguments: object) -> None:
            calls.append(1)

    stream._session = Watched()
    assert not stream.feed(np.zeros(3600 * SAMPLE_RATE_HZ, np.float32)).any()
    assert calls == []


def test_speech_after_silence_is_heard(talk: Samples) -> None:
    late = np.concatenate([np.zeros(300 * SAMPLE_RATE_HZ, np.float32), talk])
    spans = speech_spans(late)
    assert len(spans) == 7
    assert spans[0].start_seconds == pytest.approx(300, abs=0.5)
