"""CTranslate2's Whisper, one batch of windows at a time: features, encoder, decoder, alignment."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel as FasterWhisper
from faster_whisper.tokenizer import _LANGUAGE_CODES, Tokenizer
from numpy.typing import NDArray

from tertulia.kernel.errors import InvalidRequestError
from tertulia.speech.domain import SAMPLE_RATE_HZ, RecognitionOptions, Samples
from tertulia.speech.engines.whisper_words import Stretch, Timed, aligned
from tertulia.speech.models import ModelUnusableError

LANGUAGES = frozenset(_LANGUAGE_CODES)
FULL_FRAMES = 3000
FRAMES_A_SECOND = 100
MAX_LENGTH = 448
MAX_PROMPT = MAX_LENGTH // 2 - 1
TOKENS_A_SECOND = 8
"""More than anybody says in a language of Latin or Cyrillic letters: what bounds a partial that runs away."""
BYTES_A_SECOND = 30
"""The same where letters fall apart into the bytes they are written with."""
SPARE_TOKENS = 6
SILENT_ABOVE = 0.6
UNSURE_BELOW = -1.0
SHORTEST_SAMPLES = 1600

_LETTERS = frozenset(
    [
        "en",
        "de",
        "es",
        "ru",
        "fr",
        "pt",
        "tr",
        "pl",
        "ca",
        "nl",
        "sv",
        "it",
        "id",
        "fi",
        "vi",
        "uk",
        "cs",
        "ro",
        "da",
        "hu",
        "no",
        "hr",
        "bg",
        "lt",
        "la",
        "mi",
        "cy",
        "sk",
        "lv",
        "sr",
        "az",
        "sl",
        "et",
        "mk",
        "br",
        "eu",
        "is",
        "bs",
        "kk",
        "sq",
        "sw",
        "gl",
        "sn",
        "yo",
        "so",
        "af",
        "oc",
        "be",
        "tg",
        "uz",
        "fo",
        "ht",
        "tk",
        "nn",
        "mt",
        "lb",
        "tl",
        "mg",
        "tt",
        "haw",
        "ln",
        "ha",
        "jw",
        "su",
        "ms",
    ]
)
Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Job:
    """One window on its way through the model."""

    samples: Samples
    options: RecognitionOptions
    context: str = ""
    hurried: bool = False

    @property
    def seconds(self) -> float:
        return self.samples.size / SAMPLE_RATE_HZ

    @property
    def frames(self) -> int:
        return min(FULL_FRAMES, max(2, math.ceil(self.seconds * FRAMES_A_SECOND)))


@dataclass(frozen=True, slots=True)
class Draft:
    """What the decoder made of one window."""

    tokens: tuple[int, ...]
    log_probability: float
    no_speech: float

    @property
    def silent(self) -> bool:
        return self.no_speech > SILENT_ABOVE and self.log_probability < UNSURE_BELOW

    @property
    def confidence(self) -> float:
        return round(min(1.0, math.exp(self.log_probability)), 4)


class Driver:
    """A loaded model; several threads may use it at once."""

    def __init__(self, folder: Path, *, device: str, compute_type: str, workers: int) -> None:
        if not (folder / "model.bin").is_file():
            raise ModelUnusableError(
                f"There is no Whisper model in {folder}: model.bin is missing. Fetch one with "
                "`tertulia models pull small`, or give the folder of a model in CTranslate2 format."
            )
        if device == "auto":
            device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
        if compute_type == "auto":
            compute_type = "float16" if device == "cuda" else "int8"
        self.device = device
        try:
            # one thread a worker: threads inside one call gain less than calls beside each other
            self._faster = FasterWhisper(
                str(folder),
                device=device,
                compute_type=compute_type,
                cpu_threads=1,
                num_workers=workers,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelUnusableError(
                f"The model in {folder} cannot be loaded on {device} as {compute_type}. Set "
                "TERTULIA_DEVICE=cpu and TERTULIA_COMPUTE_TYPE=auto, or fetch the model again."
            ) from error
        self._model = self._faster.model
        self.multilingual = bool(self._model.is_multilingual)

    def encode(self, jobs: Sequence[Job], frames: int) -> Any:
        """The encoder's output for windows brought to one length."""
        features = [self._features(job.samples, frames)[np.newaxis] for job in jobs]
        if self.device == "cpu":
            # one after another they stay in the cache; side by side, eight cost half as much again
            return _joined([self._encode(each) for each in features])
        return self._encode(np.concatenate(features))

    def _encode(self, features: Features) -> Any:
        view = ctranslate2.StorageView.from_array(np.ascontiguousarray(features))
        return self._model.encode(view, to_cpu=False)

    def _features(self, samples: Samples, frames: int) -> Features:
        """Log-mel features, cut or padded with zeros to `frames`."""
        if samples.size < SHORTEST_SAMPLES:
            samples = np.pad(samples, (0, SHORTEST_SAMPLES - samples.size))
        features: Features = self._faster.feature_extractor(samples)[..., :-1]
        features = features[:, :frames]
        return np.pad(features, ((0, 0), (0, frames - features.shape[1])))

    def tokenizers(self, encoded: Any, jobs: Sequence[Job]) -> list[Any]:
        """A tokenizer for each window's language, which is heard where it is not given."""
        languages = [_plain_code(job.options.language) for job in jobs]
        if not self.multilingual:
            languages = ["en"] * len(jobs)
        elif None in languages:
            heard = [found[0][0][2:-2] for found in self._model.detect_language(encoded)]
            languages = [given or found for given, found in zip(languages, heard, strict=True)]
        return [
            Tokenizer(
                self._faster.hf_tokenizer,
                self.multilingual,
                task="translate" if job.options.translate else "transcribe",
                language=_known(language),
            )
            for language, job in zip(languages, jobs, strict=True)
        ]

    def generate(
        self,
        encoded: Any,
        jobs: Sequence[Job],
        tokenizers: Sequence[Any],
        *,
        beam: int,
        temperature: float,
        budget: int = MAX_LENGTH,
    ) -> list[Draft]:
        """Reads the windows. `budget` bounds the tokens of each."""
        prompts = _prompts(jobs, tokenizers)
        results = self._model.generate(
            encoded,
            prompts,
            beam_size=1 if temperature else beam,
            sampling_topk=0 if temperature else 1,
            sampling_temperature=temperature or 1.0,
            # the model gives no more than half of this to what it writes
            max_length=min(MAX_LENGTH, max(len(prompts[0]) + budget, 2 * budget)),
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [_draft(result) for result in results]

    def align(
        self,
        encoded: Any,
        jobs: Sequence[Job],
        tokenizers: Sequence[Any],
        found: Sequence[Sequence[Stretch]],
    ) -> list[list[list[Timed]]]:
        """The words of every window's stretches, with the times the model's own attention gives."""
        tokens = [[token for stretch in each for token in stretch.tokens] for each in found]
        if not any(tokens):
            return [[[] for _ in each] for each in found]
        results = self._model.align(
            encoded,
            tokenizers[0].sot_sequence,
            [said or [tokenizers[0].eot] for said in tokens],
            [job.frames for job in jobs],
            median_filter_width=7,
        )
        return [
            _shared_out(aligned(result, tokenizer, said), each, tokenizer)
            for result, tokenizer, said, each in zip(
                results, tokenizers, tokens, found, strict=True
            )
        ]


def _draft(result: Any) -> Draft:
    tokens = tuple(result.sequences_ids[0])
    score = result.scores[0] * len(tokens) / (len(tokens) + 1)
    return Draft(tokens, float(score), float(result.no_speech_prob))


def _joined(views: Sequence[Any]) -> Any:
    if len(views) == 1:
        return views[0]
    return ctranslate2.StorageView.from_array(np.concatenate([np.asarray(v) for v in views]))


def _prompts(jobs: Sequence[Job], tokenizers: Sequence[Any]) -> list[list[int]]:
    """Hot words and what was said before, then what the model is to do.

    The model wants one length for all windows of a call, so each gives up the oldest of what was said.
    """
    hot, said = [], []
    for job, tokenizer in zip(jobs, tokenizers, strict=True):
        wished = " " + ", ".join(job.options.hot_words) if job.options.hot_words else ""
        before = " ".join(part for part in (job.options.prompt, job.context) if part).strip()
        hot.append(tokenizer.encode(wished)[: MAX_PROMPT // 2] if wished else [])
        said.append(tokenizer.encode(" " + before) if before else [])
    room = min(MAX_PROMPT, *(len(h) + len(s) for h, s in zip(hot, said, strict=True)))
    prompts = []
    for wishes, words, tokenizer in zip(hot, said, tokenizers, strict=True):
        kept = wishes[:room]
        primed = [*kept, *words[len(words) - (room - len(kept)) :]]
        start = [tokenizer.sot_prev, *primed] if primed else []
        prompts.append([*start, *tokenizer.sot_sequence])
    return prompts


def _shared_out(
    timed: Sequence[Timed], found: Sequence[Stretch], tokenizer: Any
) -> list[list[Timed]]:
    """Aligned words back to the stretches they came from, counted by their letters."""
    groups: list[list[Timed]] = []
    place = 0
    for stretch in found:
        letters = len(tokenizer.decode(list(stretch.tokens)))
        group: list[Timed] = []
        while place < len(timed) and (letters > 0 or stretch is found[-1]):
            group.append(timed[place])
            letters -= len(timed[place].text)
            place += 1
        groups.append(group)
    return groups


def budget_for(seconds: float, languages: Sequence[str]) -> int:
    """The most tokens that windows of so many seconds may become."""
    dense = any(language not in _LETTERS for language in languages)
    return SPARE_TOKENS + math.ceil(seconds * (BYTES_A_SECOND if dense else TOKENS_A_SECOND))


def _plain_code(language: str | None) -> str | None:
    return language.split("-")[0].lower() if language else None


def _known(language: str | None) -> str:
    if language is None or language not in LANGUAGES:
        raise InvalidRequestError(
            f"Whisper knows no language `{str(language)[:12]}`. Give a code such as es, ru or en, or none."
        )
    return language
