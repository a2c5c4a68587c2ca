"""sherpa-onnx: streaming transducers that decode as audio arrives, and offline models for whole files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tertulia.speech.activity import ActivityOptions, speech_spans
from tertulia.speech.domain import (
    SAMPLE_RATE_HZ,
    Capabilities,
    RecognitionOptions,
    Samples,
    Segment,
    Word,
)
from tertulia.speech.engines.onnx_files import read_metadata
from tertulia.speech.engines.sherpa_tokens import hot_words_for, pieces_in, text_of, words_of
from tertulia.speech.local import FileReading, LocalStream, Progress, Reading, Window
from tertulia.speech.models import ModelUnusableError

STREAMING_KINDS = frozenset({"conformer", "lstm", "zipformer", "zipformer2"})
TAIL_SECONDS = 0.66
"""Silence after an utterance, so that a streaming model gives what it still holds."""
_ACTIVITY = ActivityOptions(max_seconds=20)


@dataclass(frozen=True, slots=True)
class _Files:
    """The parts of one model."""

    folder: Path
    tokens: Path
    encoder: Path | None
    decoder: Path | None
    joiner: Path | None
    single: Path | None
    bpe_vocab: Path | None


class SherpaModel:
    """A sherpa-onnx model from a folder; what is in the folder says what it can do."""

    name = "sherpa"
    shareable = True

    def __init__(
        self, folder: Path, *, device: str = "cpu", languages: frozenset[str] = frozenset()
    ) -> None:
        files = _files(folder)
        provider = "cuda" if device == "cuda" else "cpu"
        main = files.encoder or files.single
        assert main is not None
        metadata = read_metadata(main)
        for other in (files.decoder, files.joiner):
            if other is not None:
                read_metadata(other)
        self._streaming = files.joiner is not None and _streams(metadata)
        self._hot_words = files.joiner is not None and files.bpe_vocab is not None
        self._pieces = pieces_in(files.tokens) if self._hot_words else frozenset()
        try:
            self._native = (
                _online(files, provider) if self._streaming else _offline(files, metadata, provider)
            )
        except (RuntimeError, ValueError, AssertionError) as error:
            raise ModelUnusableError(
                f"sherpa-onnx cannot load the model in {folder}. Its files may not belong together: fetch it again."
            ) from error
        self.capabilities = Capabilities(
            languages=languages,
            streaming=self._streaming,
            words=True,
            hot_words=self._hot_words,
        )

    def transcribe(
        self, samples: Samples, options: RecognitionOptions, progress: Progress | None = None
    ) -> FileReading:
        spans = speech_spans(samples, _ACTIVITY)
        segments = []
        for place, span in enumerate(spans):
            words = self._words(samples[span.start : span.end], span.start_seconds, options)
            if words:
                segments.append(
                    Segment(
                        text_of(words),
                        round(span.start_seconds, 3),
                        round(span.end_seconds, 3),
                        words if options.words else (),
                        options.language,
                    )
                )
            if progress is not None:
                progress((place + 1) / len(spans))
        return FileReading(tuple(segments), options.language)

    def read(self, windows: Sequence[Window]) -> list[Reading]:
        readings = []
        for window in windows:
            words: tuple[Word, ...] = ()
            for span in speech_spans(window.samples, _ACTIVITY):
                heard = window.samples[span.start : span.end]
                words += self._words(heard, span.start_seconds, window.options)
            readings.append(_reading(words, window.options))
        return readings

    def stream(self, options: RecognitionOptions) -> LocalStream | None:
        return SherpaStream(self._native, options, self._begin) if self._streaming else None

    def _begin(self, options: RecognitionOptions) -> Any:
        hot_words = hot_words_for(options.hot_words, self._pieces) if self._hot_words else ""
        return (
            self._native.create_stream(hotwords=hot_words)
            if hot_words
            else self._native.create_stream()
        )

    def _words(
        self, samples: Samples, offset: float, options: RecognitionOptions
    ) -> tuple[Word, ...]:
        limit = offset + samples.size / SAMPLE_RATE_HZ
        if self._streaming:
            stream = SherpaStream(self._native, options, self._begin, offset)
            stream.accept(samples)
            return stream.finish().words
        native = self._begin(options)
        native.accept_waveform(SAMPLE_RATE_HZ, samples)
        self._native.decode_stream(native)
        result = native.result
        if result.timestamps:
            return words_of(result.tokens, result.timestamps, offset, limit)
        return _spread(result.text, offset, limit)


class SherpaStream:
    """One conversation with a streaming model; voice activity ends its utterances by calling `finish`."""

    def __init__(
        self,
        recognizer: Any,
        options: RecognitionOptions,
        begin: Callable[[RecognitionOptions], Any],
        offset: float = 0.0,
    ) -> None:
        self._recognizer = recognizer
        self._options = options
        self._begin = begin
        self._native = begin(options)
        self._start = offset
        self._accepted = 0

    def accept(self, samples: Samples) -> None:
        self._accepted += samples.size
        self._feed(samples)

    def reading(self) -> Reading:
        tokens = self._recognizer.tokens(self._native)
        times = self._recognizer.timestamps(self._native)
        limit = self._start + self._accepted / SAMPLE_RATE_HZ
        return _reading(words_of(tokens, times, self._start, limit), self._options)

    def ended(self) -> bool:
        return False

    def finish(self) -> Reading:
        self._feed(np.zeros(int(TAIL_SECONDS * SAMPLE_RATE_HZ), np.float32))
        self._native.input_finished()
        self._decode()
        reading = self.reading()
        self._start += self._accepted / SAMPLE_RATE_HZ
        self._accepted = 0
        self._native = self._begin(self._options)
        return reading

    def _feed(self, samples: Samples) -> None:
        self._native.accept_waveform(SAMPLE_RATE_HZ, samples)
        self._decode()

    def _decode(self) -> None:
        while self._recognizer.is_ready(self._native):
            self._recognizer.decode_stream(self._native)


def _reading(words: tuple[Word, ...], options: RecognitionOptions) -> Reading:
    return Reading(words, options.language, None, 0.0 if words else 1.0)


def _spread(text: str, start: float, end: float) -> tuple[Word, ...]:
    """Words at even pace, for models that give no times."""
    parts = text.split()
    total = sum(len(part) for part in parts) or 1
    words = []
    for part in parts:
        until = start + (end - start) * len(part) / total
        words.append(Word(part, round(start, 3), round(until, 3)))
        start, total = until, total - len(part)
    return tuple(words)


def _files(folder: Path) -> _Files:
    tokens = _one(folder, "*tokens.txt")
    encoder, decoder, joiner = (
        _one(folder, f"*{part}*.onnx") for part in ("encoder", "decoder", "joiner")
    )
    parts = encoder or decoder or joiner
    single = None if parts else _one(folder, "*model*.onnx") or _one(folder, "*.onnx")
    if tokens is None or (single is None and (encoder is None or decoder is None)):
        raise ModelUnusableError(
            f"{folder} holds no sherpa-onnx model: it needs tokens.txt and either encoder, decoder and joiner "
            ".onnx files or one model.onnx. `tertulia models pull zipformer-en` fetches one."
        )
    return _Files(folder, tokens, encoder, decoder, joiner, single, _one(folder, "bpe.vocab"))


def _one(folder: Path, pattern: str) -> Path | None:
    """The file of that name; of two, the full one rather than the quantised."""
    found = sorted(folder.glob(pattern), key=lambda file: ("int8" in file.name, file.name))
    return found[0] if found else None


def _streams(metadata: dict[str, str]) -> bool:
    return metadata.get("model_type") in STREAMING_KINDS and "decode_chunk_len" in metadata


def _online(files: _Files, provider: str) -> Any:
    import sherpa_onnx

    hot = {
        "decoding_method": "modified_beam_search",
        "modeling_unit": "bpe",
        "bpe_vocab": str(files.bpe_vocab),
    }
    return sherpa_onnx.OnlineRecognizer.from_transducer(
        tokens=str(files.tokens),
        encoder=str(files.encoder),
        decoder=str(files.decoder),
        joiner=str(files.joiner),
        num_threads=1,
        provider=provider,
        **(hot if files.bpe_vocab else {}),
    )


def _offline(files: _Files, metadata: dict[str, str], provider: str) -> Any:
    import sherpa_onnx

    offline = sherpa_onnx.OfflineRecognizer
    shared = {"tokens": str(files.tokens), "num_threads": 1, "provider": provider}
    parts = {"encoder": str(files.encoder), "decoder": str(files.decoder)}
    if files.joiner is not None:
        nemo = "nemo" in metadata.get("model_author", "").lower()
        kind = {"model_type": "nemo_transducer"} if nemo else {}
        return offline.from_transducer(joiner=str(files.joiner), **parts, **shared, **kind)
    if files.encoder is not None:
        return offline.from_whisper(**parts, **shared)
    kind_name = metadata.get("model_type", "").lower()
    single = str(files.single)
    if "sense_voice" in kind_name:
        return offline.from_sense_voice(model=single, use_itn=True, **shared)
    if "paraformer" in kind_name:
        return offline.from_paraformer(paraformer=single, **shared)
    if kind_name.startswith("encdec"):
        return offline.from_nemo_ctc(model=single, **shared)
    if "zipformer" in kind_name:
        return offline.from_zipformer_ctc(model=single, **shared)
    raise ModelUnusableError(
        f"The model in {files.folder} is of the kind `{kind_name[:30] or 'unknown'}`, which is not supported. "
        "Use a transducer, Whisper, SenseVoice, Paraformer, NeMo CTC or Zipformer CTC model."
    )
