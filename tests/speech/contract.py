"""What every engine inside the speech host promises; a test class for each engine inherits it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from tertulia.speech.domain import SAMPLE_RATE_HZ, RecognitionOptions, Samples, Segment
from tertulia.speech.local import LocalModel, Reading, Window

SLACK_SECONDS = 0.05
ENGLISH = RecognitionOptions(language="en")


class LocalModelContract:
    """Give it the fixtures `model` and `clip` (a few seconds of speech that the engine makes words of)."""

    def test_it_says_what_it_is(self, model: LocalModel) -> None:
        assert model.name
        assert isinstance(model.shareable, bool)
        assert model.capabilities.speaks("en")
        assert not model.capabilities.needs_network

    def test_a_file_becomes_segments_in_order(self, model: LocalModel, clip: Samples) -> None:
        reading = model.transcribe(clip, ENGLISH)
        assert reading.segments
        _in_order(reading.segments, clip.size / SAMPLE_RATE_HZ)
        assert all(segment.text == segment.text.strip() != "" for segment in reading.segments)
        assert all(segment.words == () for segment in reading.segments)

    def test_words_lie_inside_their_segment(self, model: LocalModel, clip: Samples) -> None:
        if not model.capabilities.words:
            pytest.skip(f"{model.name} says that it knows no word times")
        reading = model.transcribe(clip, RecognitionOptions(language="en", words=True))
        for segment in reading.segments:
            assert segment.words
            assert "".join(w.text for w in segment.words) == segment.text.replace(" ", "")
            for word in segment.words:
                assert segment.start - SLACK_SECONDS <= word.start <= word.end
                assert word.end <= segment.end + SLACK_SECONDS
                assert word.confidence is None or 0 <= word.confidence <= 1

    def test_times_count_from_the_start_of_the_file(self, model: LocalModel, clip: Samples) -> None:
        pause = np.zeros(5 * SAMPLE_RATE_HZ, np.float32)
        reading = model.transcribe(np.concatenate([pause, clip]), ENGLISH)
        assert reading.segments[0].start >= 4.5

    def test_speech_after_a_long_pause_is_found_where_it_is(
        self, model: LocalModel, clip: Samples
    ) -> None:
        pause = np.zeros(20 * SAMPLE_RATE_HZ, np.float32)
        reading = model.transcribe(np.concatenate([clip, pause, clip]), ENGLISH)
        second = clip.size / SAMPLE_RATE_HZ + 20
        assert any(segment.end <= second - 19 for segment in reading.segments)
        assert any(segment.start >= second - 0.5 for segment in reading.segments)

    @pytest.mark.parametrize("seconds", [0.0, 0.01, 1.0, 40.0])
    def test_silence_yields_no_text(self, model: LocalModel, seconds: float) -> None:
        silence = np.zeros(int(seconds * SAMPLE_RATE_HZ), np.float32)
        assert model.transcribe(silence, ENGLISH).segments == ()

    def test_noise_yields_no_text(self, model: LocalModel) -> None:
        noise = np.random.default_rng(2).normal(0, 0.02, 10 * SAMPLE_RATE_HZ).astype(np.float32)
        assert model.transcribe(noise, ENGLISH).segments == ()

    def test_progress_rises_to_the_end(self, model: LocalModel, clip: Samples) -> None:
        shares: list[float] = []
        model.transcribe(np.tile(clip, 3), ENGLISH, shares.append)
        assert shares == sorted(shares)
        assert shares[-1] == pytest.approx(1.0)

    def test_progress_that_raises_stops_the_work(self, model: LocalModel, clip: Samples) -> None:
        def stop(_share: float) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            model.transcribe(np.tile(clip, 3), ENGLISH, stop)
        assert model.transcribe(clip, ENGLISH).segments  # and the model goes on afterwards

    @pytest.mark.parametrize("quick", [True, False])
    def test_windows_are_read_in_their_order(
        self, model: LocalModel, clip: Samples, quick: bool
    ) -> None:
        lengths = (clip.size, clip.size // 2, clip.size)
        windows = [Window(clip[:length], ENGLISH, quick) for length in lengths]
        readings = model.read(windows)
        assert len(readings) == 3
        for reading, length in zip(readings, lengths, strict=True):
            _reads(reading, length / SAMPLE_RATE_HZ)
        assert readings[0].words
        assert readings[0].words[-1].end == pytest.approx(readings[2].words[-1].end, abs=0.5)

    def test_quick_and_full_windows_together(self, model: LocalModel, clip: Samples) -> None:
        readings = model.read([Window(clip, ENGLISH, True), Window(clip, ENGLISH, False)])
        assert all(reading.words for reading in readings)

    def test_no_windows(self, model: LocalModel) -> None:
        assert model.read([]) == []

    def test_a_window_of_almost_nothing(self, model: LocalModel) -> None:
        assert len(model.read([Window(np.zeros(10, np.float32), ENGLISH, True)])) == 1

    def test_a_stream_reads_one_utterance_after_another(
        self, model: LocalModel, clip: Samples
    ) -> None:
        stream = model.stream(ENGLISH)
        assert (stream is not None) == model.capabilities.streaming
        if stream is None:
            return
        ends = []
        for turn in range(2):
            for start in range(0, clip.size, 1600):
                stream.accept(clip[start : start + 1600])
            growing = stream.reading()
            final = stream.finish()
            assert growing.words
            assert final.words
            assert final.words[0].start >= turn * clip.size / SAMPLE_RATE_HZ - SLACK_SECONDS
            ends.append(final.words[-1].end)
            assert stream.reading().words == ()
        assert ends[0] < ends[1] <= 2 * clip.size / SAMPLE_RATE_HZ + SLACK_SECONDS

    def test_a_stream_of_silence_says_nothing(self, model: LocalModel) -> None:
        stream = model.stream(ENGLISH)
        if stream is not None:
            stream.accept(np.zeros(2 * SAMPLE_RATE_HZ, np.float32))
            assert stream.finish().words == ()

    def test_threads_share_it_when_it_says_so(self, model: LocalModel, clip: Samples) -> None:
        if not model.shareable:
            pytest.skip(f"{model.name} says that it serves one thread")
        alone = model.transcribe(clip, ENGLISH)
        barrier = threading.Barrier(4)

        def work(_turn: int) -> Any:
            barrier.wait(timeout=30)
            return model.transcribe(clip, ENGLISH)

        with ThreadPoolExecutor(4) as threads:
            assert all(reading == alone for reading in threads.map(work, range(4)))


def _in_order(segments: tuple[Segment, ...], seconds: float) -> None:
    before = 0.0
    for segment in segments:
        assert before - SLACK_SECONDS <= segment.start <= segment.end <= seconds + SLACK_SECONDS
        before = segment.start


def _reads(reading: Reading, seconds: float) -> None:
    before = 0.0
    for word in reading.words:
        assert word.text.strip() == word.text != ""
        assert before - SLACK_SECONDS <= word.start <= word.end <= seconds + SLACK_SECONDS
        before = word.start
    assert 0 <= reading.no_speech <= 1
