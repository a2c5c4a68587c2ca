"""Who spoke when, by sherpa-onnx's speaker models, for any engine that gives words and times."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tertulia.speech.domain import RecognitionOptions, Samples, Segment, Word
from tertulia.speech.engines.onnx_files import read_metadata
from tertulia.speech.local import FileReading, LocalModel, LocalStream, Progress, Reading, Window
from tertulia.speech.models import ModelUnusableError

SURE = 0.6
"""Share of a word's time that one speaker must cover; below it nobody is named."""
NEAR_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Turn:
    """A stretch in which one person speaks; people are numbered from 1 in the order they are heard."""

    start: float
    end: float
    speaker: int


class Diariser:
    """Speaker turns from a folder with a segmentation model and a speaker embedding model."""

    def __init__(self, folder: Path) -> None:
        import sherpa_onnx

        segmentation, embedding = _speaker_files(folder)
        for file in (segmentation, embedding):
            read_metadata(file)
        pyannote = sherpa_onnx.OfflineSpeakerSegmentationPyannoteModelConfig(
            model=str(segmentation)
        )
        config = sherpa_onnx.OfflineSpeakerDiarizationConfig(
            segmentation=sherpa_onnx.OfflineSpeakerSegmentationModelConfig(pyannote=pyannote),
            embedding=sherpa_onnx.SpeakerEmbeddingExtractorConfig(model=str(embedding)),
            clustering=sherpa_onnx.FastClusteringConfig(num_clusters=-1, threshold=0.5),
        )
        if not config.validate():
            raise ModelUnusableError(
                f"The speaker models in {folder} do not fit together. Fetch them again."
            )
        self._native = sherpa_onnx.OfflineSpeakerDiarization(config)

    def turns(self, samples: Samples) -> list[Turn]:
        found = self._native.process(samples).sort_by_start_time()
        numbers: dict[int, int] = {}
        for turn in found:
            numbers.setdefault(turn.speaker, len(numbers) + 1)
        return [Turn(turn.start, turn.end, numbers[turn.speaker]) for turn in found]


class DiarisedModel:
    """Any engine, with speakers told apart in whole files when that is asked for."""

    def __init__(self, model: LocalModel, diariser: Diariser) -> None:
        self._model = model
        self._diariser = diariser
        self.name = model.name
        self.shareable = model.shareable
        self.capabilities = replace(model.capabilities, diarisation=True)

    def transcribe(
        self, samples: Samples, options: RecognitionOptions, progress: Progress | None = None
    ) -> FileReading:
        if not options.diarise:
            return self._model.transcribe(samples, options, progress)
        reading = self._model.transcribe(samples, replace(options, words=True), progress)
        segments = with_speakers(reading.segments, self._diariser.turns(samples))
        if not options.words:
            segments = tuple(replace(segment, words=()) for segment in segments)
        return FileReading(segments, reading.language)

    def read(self, windows: Sequence[Window]) -> list[Reading]:
        return self._model.read(windows)

    def stream(self, options: RecognitionOptions) -> LocalStream | None:
        return self._model.stream(options)


def with_speakers(segments: Sequence[Segment], turns: Sequence[Turn]) -> tuple[Segment, ...]:
    """Segments cut where the speaker changes. Nobody is named where that is not sure."""
    return tuple(part for segment in segments for part in _parts(segment, turns))


def _parts(segment: Segment, turns: Sequence[Turn]) -> list[Segment]:
    if not segment.words:
        return [replace(segment, speaker=_speaker(segment.start, segment.end, turns))]
    groups: list[tuple[str | None, list[Word]]] = []
    for word in segment.words:
        speaker = _speaker(word.start, word.end, turns)
        if groups and (speaker is None or groups[-1][0] in {speaker, None}):
            # an unsure word goes with its neighbours
            groups[-1] = (groups[-1][0] or speaker, [*groups[-1][1], word])
        else:
            groups.append((speaker, [word]))
    if len(groups) == 1:
        return [replace(segment, speaker=groups[0][0])]
    return [
        replace(
            segment,
            text=" ".join(word.text for word in words),
            start=words[0].start,
            end=words[-1].end,
            words=tuple(words),
            speaker=speaker,
        )
        for speaker, words in groups
    ]


def _speaker(start: float, end: float, turns: Sequence[Turn]) -> str | None:
    shares: dict[int, float] = {}
    for turn in turns:
        shared = min(end, turn.end) - max(start, turn.start)
        if shared > 0:
            shares[turn.speaker] = shares.get(turn.speaker, 0.0) + shared
    if shares:
        best = max(shares, key=lambda speaker: shares[speaker])
        total = max(end - start, sum(shares.values()))
        return f"Speaker {best}" if shares[best] >= SURE * total else None
    middle = (start + end) / 2
    near = [(max(t.start - middle, middle - t.end, 0.0), t.speaker) for t in turns]
    distance, speaker = min(near, default=(math.inf, 0))
    return f"Speaker {speaker}" if distance <= NEAR_SECONDS else None


def _speaker_files(folder: Path) -> tuple[Path, Path]:
    files = sorted(folder.rglob("*.onnx"))
    segmentation = [file for file in files if "segmentation" in str(file.relative_to(folder))]
    embedding = [file for file in files if file not in segmentation]
    if not segmentation or not embedding:
        raise ModelUnusableError(
            f"{folder} needs a speaker segmentation model (`…segmentation….onnx`) and an embedding model "
            "(another .onnx file). Put both there; docs/models.md names some."
        )
    # quantised files stand beside full ones; the full one is the better
    return min(segmentation, key=_quantised), min(embedding, key=_quantised)


def _quantised(file: Path) -> tuple[bool, str]:
    return "int8" in file.name, file.name
