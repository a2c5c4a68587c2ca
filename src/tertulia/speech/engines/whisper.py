"""Whisper by faster-whisper and CTranslate2: short greedy windows for partials, full ones for what stays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tertulia.speech.activity import ActivityOptions, speech_spans
from tertulia.speech.domain import Capabilities, RecognitionOptions, Samples, Segment
from tertulia.speech.engines.hallucinations import (
    MAX_COMPRESSION,
    compression,
    over_silence,
)
from tertulia.speech.engines.packing import Pack, packed
from tertulia.speech.engines.whisper_driver import (
    FRAMES_A_SECOND,
    FULL_FRAMES,
    LANGUAGES,
    UNSURE_BELOW,
    Draft,
    Driver,
    Job,
    budget_for,
)
from tertulia.speech.engines.whisper_words import (
    Stretch,
    Timed,
    spread,
    stretches,
    to_text,
    to_words,
)
from tertulia.speech.local import FileReading, LocalStream, Progress, Reading, Window
from tertulia.speech.repetition import loops, without_loops

QUICK_FRAMES = (1000, 1500, 2000, FULL_FRAMES)
"""Encoder lengths of partials: ten seconds cost an eighth of thirty, and shorter ones lose accuracy."""
HURRIED_FRAMES = (300, 400, 500, 750, *QUICK_FRAMES)
"""The same while others wait: no longer than what is to be read, for three seconds cost a fifth of ten."""
HURRIED_MARGIN_FRAMES = 50
"""Silence that a window keeps behind it, so that its last word is not read as cut off."""
FULL_SECONDS = FULL_FRAMES / FRAMES_A_SECOND
BEAM = 5
TEMPERATURES = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Tried one after another where a window came out as a loop, or unsure."""
CUDA_BATCH = 16
CPU_QUICK_BATCH = 8
"""Each step of the decoder reads all its weights, so partials that share a step cost half as much."""
SHORTEST_REST_SECONDS = 1.0
LONGEST_GAP_SECONDS = 2.0
"""Two words further apart belong to two segments."""
SEAM_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class _Read:
    """What was made of one full window."""

    draft: Draft
    tokenizer: Any
    found: list[tuple[Stretch, list[Timed]]]
    until: float
    """Up to where the window was read, in seconds from its start."""


class WhisperModel:
    """A Whisper in CTranslate2 format from a folder. `workers` threads may use it at once."""

    name = "whisper"
    shareable = True

    def __init__(
        self,
        folder: Path,
        *,
        device: str = "auto",
        compute_type: str = "auto",
        workers: int = 1,
    ) -> None:
        self._driver = Driver(folder, device=device, compute_type=compute_type, workers=workers)
        self.device = self._driver.device
        # on a CPU several full windows in one call are slower than one after another
        self._batch = CUDA_BATCH if self.device == "cuda" else 1
        self._quick_batch = CUDA_BATCH if self.device == "cuda" else CPU_QUICK_BATCH
        multilingual = self._driver.multilingual
        self.capabilities = Capabilities(
            languages=LANGUAGES if multilingual else frozenset({"en"}),
            words=True,
            translation=multilingual,
            hot_words=True,
            detects_language=multilingual,
        )

    def transcribe(
        self, samples: Samples, options: RecognitionOptions, progress: Progress | None = None
    ) -> FileReading:
        spans = speech_spans(samples, ActivityOptions(max_seconds=FULL_SECONDS - 1))
        waiting = packed(samples, spans, FULL_SECONDS)
        total = sum(pack.seconds for pack in waiting)
        left_seconds = total
        language = options.language
        segments: list[Segment] = []
        while waiting:
            # the first window alone tells the language; the others follow it
            count = self._batch if language or not self.capabilities.detects_language else 1
            packs, waiting = waiting[:count], waiting[count:]
            wishes = options if language is None else replace(options, language=language)
            reads = self._whole(
                [Job(p.samples, wishes) for p in packs], aligned_words=options.words
            )
            rests = [_rest(*each) for each in zip(packs, reads, strict=True)]
            for pack, read in zip(packs, reads, strict=True):
                for stretch, timed in read.found:
                    segments += _segments(pack, read, stretch, timed, words=options.words)
                if segments:
                    language = language or read.tokenizer.language_code
            waiting = [rest for rest in rests if rest is not None] + waiting
            left_seconds = sum(pack.seconds for pack in waiting)
            if progress is not None:
                progress(1 - left_seconds / total)
        segments.sort(key=lambda segment: segment.start)
        return FileReading(tuple(segments), language)

    def read(self, windows: Sequence[Window]) -> list[Reading]:
        readings: dict[int, Reading] = {}
        kinds: dict[tuple[bool, bool], list[int]] = {}
        for place, window in enumerate(windows):
            # prompts of a call have one length: a window with none would cost the others theirs
            kinds.setdefault((window.quick, _primed(window)), []).append(place)
        for (quick, _), places in kinds.items():
            reader = self._read_quick if quick else self._read_full
            most = self._quick_batch if quick else self._batch
            for start in range(0, len(places), most):
                group = places[start : start + most]
                jobs = [
                    Job(w.samples, w.options, w.context, w.hurried)
                    for w in (windows[i] for i in group)
                ]
                readings.update(zip(group, reader(jobs), strict=True))
        return [readings[i] for i in range(len(windows))]

    def stream(self, options: RecognitionOptions) -> LocalStream | None:
        del options  # Whisper reads whole windows only
        return None

    def _read_quick(self, jobs: list[Job]) -> list[Reading]:
        """Greedy over a short encoder window, words spread over their stretch: what a partial needs."""
        needed = max(job.frames for job in jobs)
        if all(job.hurried for job in jobs):
            wanted = needed + HURRIED_MARGIN_FRAMES
            frames = next((n for n in HURRIED_FRAMES if n >= wanted), FULL_FRAMES)
        else:
            frames = next(length for length in QUICK_FRAMES if length >= needed)
        encoded = self._driver.encode(jobs, frames)
        tokenizers = self._driver.tokenizers(encoded, jobs)
        drafts = self._driver.generate(
            encoded,
            jobs,
            tokenizers,
            beam=1,
            temperature=0.0,
            budget=budget_for(needed / FRAMES_A_SECOND, [t.language_code for t in tokenizers]),
        )
        readings = []
        for job, tokenizer, draft in zip(jobs, tokenizers, drafts, strict=True):
            found, _ = _stretches(job, tokenizer, draft)
            timed = [word for stretch in found for word in spread(stretch, tokenizer)]
            readings.append(_reading(draft, tokenizer, timed))
        return readings

    def _read_full(self, jobs: list[Job]) -> list[Reading]:
        readings = []
        # Without a wish for word times, spreading them is good enough, and a tenth cheaper.
        for read in self._whole(jobs, aligned_words=any(job.options.words for job in jobs)):
            timed = [word for _, words in read.found for word in words]
            readings.append(_reading(read.draft, read.tokenizer, timed))
        return readings

    def _whole(self, jobs: list[Job], *, aligned_words: bool) -> list[_Read]:
        """Full windows with the best settings."""
        encoded = self._driver.encode(jobs, FULL_FRAMES)
        tokenizers = self._driver.tokenizers(encoded, jobs)
        drafts = self._driver.generate(
            encoded, jobs, tokenizers, beam=BEAM, temperature=jobs[0].options.temperature
        )
        for place, draft in enumerate(drafts):
            if _suspicious(draft, tokenizers[place]):
                own = encoded if len(jobs) == 1 else None
                drafts[place] = self._again(own, jobs[place], tokenizers[place], draft)
        found = [_stretches(*each) for each in zip(jobs, tokenizers, drafts, strict=True)]
        timed = (
            self._driver.align(encoded, jobs, tokenizers, [each for each, _ in found])
            if aligned_words
            else [
                [spread(stretch, tokenizer) for stretch in each]
                for (each, _), tokenizer in zip(found, tokenizers, strict=True)
            ]
        )
        return [
            _Read(draft, tokenizer, list(zip(each, words, strict=True)), until)
            for draft, tokenizer, (each, until), words in zip(
                drafts, tokenizers, found, timed, strict=True
            )
        ]

    def _again(self, encoded: Any, job: Job, tokenizer: Any, first: Draft) -> Draft:
        """Reads a window with more and more chance in it, until it comes out plausible."""
        if encoded is None:
            encoded = self._driver.encode([job], FULL_FRAMES)
        drafts = [first]
        for temperature in TEMPERATURES:
            draft = self._driver.generate(
                encoded, [job], [tokenizer], beam=1, temperature=temperature
            )[0]
            if not _suspicious(draft, tokenizer):
                return draft
            drafts.append(draft)
        calm = [draft for draft in drafts if not _repeats(draft, tokenizer)]
        return max(calm or drafts, key=lambda draft: draft.log_probability)


def _primed(window: Window) -> bool:
    options = window.options
    return bool(options.hot_words or options.prompt or window.context)


def _suspicious(draft: Draft, tokenizer: Any) -> bool:
    if draft.silent:
        return False
    return draft.log_probability < UNSURE_BELOW or _repeats(draft, tokenizer)


def _repeats(draft: Draft, tokenizer: Any) -> bool:
    text = tokenizer.decode(list(draft.tokens))
    return compression(text) > MAX_COMPRESSION or loops(text.split())


def _stretches(job: Job, tokenizer: Any, draft: Draft) -> tuple[list[Stretch], float]:
    if draft.silent:
        return [], job.seconds
    return stretches(draft.tokens, tokenizer.timestamp_begin, job.seconds)


def _rest(pack: Pack, read: _Read) -> Pack | None:
    """What the token limit left unread of a window."""
    if read.until < SHORTEST_REST_SECONDS:
        return None  # no progress: reading it again would end in the same place
    rest = pack.after(read.until)
    return rest if rest is not None and rest.seconds >= SHORTEST_REST_SECONDS else None


def _made_up(text: str, draft: Draft) -> bool:
    return over_silence(text) and (draft.no_speech > 0.1 or draft.log_probability < -0.5)


def _plausible(draft: Draft, timed: list[Timed]) -> list[Timed]:
    """The words without loops, and none at all where the model put its own over silence."""
    kept = without_loops(timed)
    return [] if draft.silent or _made_up(to_text(kept), draft) else list(kept)


def _reading(draft: Draft, tokenizer: Any, timed: list[Timed]) -> Reading:
    kept = _plausible(draft, timed)
    return Reading(
        to_words(kept),
        tokenizer.language_code,
        draft.confidence if kept else None,
        round(draft.no_speech, 4),
    )


def _segments(
    pack: Pack, read: _Read, stretch: Stretch, timed: list[Timed], *, words: bool
) -> list[Segment]:
    """A stretch as segments of the recording; one that lies over a seam of the pack is cut there."""
    groups: list[list[Timed]] = []
    for word in _plausible(read.draft, timed):
        placed = _placed(pack, word)
        if groups and placed.start - groups[-1][-1].end <= LONGEST_GAP_SECONDS:
            groups[-1].append(placed)
        else:
            groups.append([placed])
    whole = len(groups) == 1 and not words
    return [
        Segment(
            text=to_text(group),
            start=round(pack.place(stretch.start) if whole else group[0].start, 3),
            end=round(pack.place(stretch.end, end=True) if whole else group[-1].end, 3),
            words=to_words(group) if words else (),
            language=read.tokenizer.language_code,
            confidence=read.draft.confidence,
        )
        for group in groups
    ]


def _placed(pack: Pack, word: Timed) -> Timed:
    """A word where it is in the recording; one that reaches over a seam ends soon after it began."""
    start, end = pack.place(word.start), pack.place(word.end, end=True)
    if end - start > word.end - word.start + SEAM_SECONDS:
        end = start + min(word.end - word.start, SEAM_SECONDS)
    return replace(word, start=start, end=max(start, end))
