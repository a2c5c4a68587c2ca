"""pocketsphinx on real recordings, held against pocketsphinx called directly."""

import csv
import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import jiwer
import numpy as np
import pytest
from tests.speech.contract import LocalModelContract
from tests.speech.engines import three_ways

from tertulia.speech.domain import SAMPLE_RATE_HZ, RecognitionOptions, Samples
from tertulia.speech.engines.pocketsphinx import PocketsphinxModel

pytestmark = pytest.mark.engine

WORST_RATIO = 1.05


@pytest.fixture(scope="module")
def model() -> PocketsphinxModel:
    return PocketsphinxModel()


@pytest.fixture(scope="module")
def clip(speech: Path) -> Samples:
    return _samples(speech / "en" / "cards_002.wav")


class TestContract(LocalModelContract):
    pass


def _samples(path: Path) -> Samples:
    if path.suffix == ".raw":
        return np.frombuffer(path.read_bytes(), "<i2").astype(np.float32) / 32768
    from faster_whisper.audio import decode_audio

    samples: Samples = decode_audio(str(path))
    return samples


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z' ]+", " ", text.lower().replace("-", " ")).split())


@pytest.fixture(scope="module")
def clips(speech: Path) -> list[tuple[str, Samples]]:
    """The English recordings shorter than ten seconds, with their words."""
    with (speech / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["reference"]]
    chosen = [
        row for row in rows if row["file"].startswith("en/") and float(row["duration_s"]) < 10
    ]
    return [(_plain(row["reference"]), _samples(speech / row["file"])) for row in chosen]


@pytest.mark.timeout(300)
def test_files_and_streams_are_read_as_well_as_by_pocketsphinx_itself(
    clips: list[tuple[str, Samples]],
) -> None:
    references = [reference for reference, _ in clips]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as processes:
        read = list(processes.map(three_ways.read, [samples for _, samples in clips]))
    direct, ours, streamed = ([_plain(text) for text in texts] for texts in zip(*read, strict=True))
    assert len(clips) >= 11
    baseline = jiwer.wer(references, direct)
    assert baseline < 0.45
    assert jiwer.wer(references, ours) <= WORST_RATIO * baseline
    assert jiwer.wer(references, streamed) <= WORST_RATIO * baseline


def test_only_english_is_understood(model: PocketsphinxModel) -> None:
    assert model.capabilities.speaks("en-GB")
    assert not model.capabilities.speaks("es")
    assert not model.capabilities.speaks(None)


def test_an_utterance_shorter_than_a_second_is_read_at_its_end(
    model: PocketsphinxModel, speech: Path
) -> None:
    samples = _samples(speech / "en" / "cards_001.wav")[: SAMPLE_RATE_HZ * 9 // 10]
    stream = model.stream(RecognitionOptions())
    stream.accept(samples)
    assert stream.reading().words == ()
    assert [word.text for word in stream.finish().words][:2] == ["ten", "of"]
