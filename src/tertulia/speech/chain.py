"""Fallback chains of engines: the next one is tried when one fails, is resting, or does not know the language."""

from collections.abc import AsyncIterator, Iterable, Iterator, MutableMapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar, cast

import structlog

from tertulia.kernel.clock import Clock, SystemClock
from tertulia.kernel.vendor import Breaker
from tertulia.speech.domain import (
    Capabilities,
    Recognition,
    RecognitionOptions,
    Recognizer,
    Samples,
    SpeechChunk,
    SpeechOptions,
    Voice,
    VoiceInfo,
    Word,
)
from tertulia.speech.encoding import Resampler
from tertulia.speech.engines.errors import (
    EngineError,
    EngineUnavailableError,
    UnsupportedLanguageError,
)
from tertulia.speech.text import sentences

log = structlog.get_logger(__name__)

SPOKEN_AT_ONCE = 400
"""Characters handed to a voice at a time, so that another can go on where it broke off."""


class Engine(Protocol):
    """What every member of a chain has."""

    name: str
    capabilities: Capabilities

    async def close(self) -> None: ...


E = TypeVar("E", bound=Engine)


@dataclass(frozen=True, slots=True)
class Link(Generic[E]):
    """A member of a chain and its breaker."""

    engine: E
    breaker: Breaker


class Chain(Generic[E]):
    """Members in the order of preference."""

    def __init__(
        self,
        members: Sequence[E],
        *,
        clock: Clock | None = None,
        breakers: MutableMapping[str, Breaker] | None = None,
    ) -> None:
        """`breakers` by engine are shared by chains that have members in common."""
        if not members:
            raise ValueError("A chain needs at least one engine.")
        self.clock: Clock = clock or SystemClock()
        shared = breakers if breakers is not None else {}
        self.links = [Link(m, shared.setdefault(m.name, Breaker(self.clock))) for m in members]
        self.name = ",".join(m.name for m in members)
        self.capabilities = joined(m.capabilities for m in members)

    def usable(self, language: str | None, *, translate: bool = False) -> Iterator[Link[E]]:
        """Members to try, in order. What a member can do and whether it rests is looked at when its turn comes."""
        # Without a language an engine of one language is still better than none.
        able = [
            link
            for link in self.links
            if language is None or link.engine.capabilities.speaks(language)
        ]
        if not able:
            raise UnsupportedLanguageError(self.name, language or "")
        if translate:
            able = [link for link in able if link.engine.capabilities.translation]
            if not able:
                raise EngineUnavailableError(
                    f"{self.name} cannot translate. Add whisper or openai to the chain."
                )
        resting = 0
        for link in able:
            if link.breaker.wait_seconds() > 0:
                resting += 1
            else:
                yield link
        if resting == len(able):
            wait = min(link.breaker.wait_seconds() for link in able)
            raise EngineUnavailableError(
                f"{self.name} failed several times and rests. Try again in {wait:.0f} s.",
                retry_after_seconds=wait,
            )

    async def close(self) -> None:
        for link in self.links:
            await link.engine.close()


def joined(all_of: Iterable[Capabilities]) -> Capabilities:
    """What at least one of several engines can do."""
    each = list(all_of)
    languages: frozenset[str] = frozenset()
    if all(c.languages for c in each):
        languages = frozenset().union(*(c.languages for c in each))
    return Capabilities(
        languages=languages,
        streaming=any(c.streaming for c in each),
        words=any(c.words for c in each),
        diarisation=any(c.diarisation for c in each),
        channels=any(c.channels for c in each),
        translation=any(c.translation for c in each),
        hot_words=any(c.hot_words for c in each),
        detects_language=any(c.detects_language for c in each),
        needs_network=all(c.needs_network for c in each),
    )


def fell(chain: str, engine: str, error: EngineError) -> None:
    """Notes that a member failed and the next is to be tried."""
    log.warning("engine failed, trying the next", chain=chain, engine=engine, code=error.code)


class ChainRecognizer(Chain[Recognizer]):
    """Whole files by the first member that can."""

    async def transcribe(
        self, samples: Samples, options: RecognitionOptions = RecognitionOptions()
    ) -> Recognition:
        tried: list[str] = []
        failure: EngineError | None = None
        for link in self.usable(options.language, translate=options.translate):
            try:
                with link.breaker.trial():
                    found = await link.engine.transcribe(samples, options)
            except EngineError as error:
                fell(self.name, link.engine.name, error)
                tried.append(link.engine.name)
                failure = error
            else:
                return replace(found, provider="|".join([*tried, found.provider]))
        raise failure or EngineUnavailableError(f"{self.name} cannot be used just now.")


class ChainVoice(Chain[Voice]):
    """Speech by the first member that can; when one breaks off, the next goes on with what is not spoken yet."""

    async def speak(
        self, text: str, options: SpeechOptions = SpeechOptions()
    ) -> AsyncIterator[SpeechChunk]:
        progress = _Progress(_groups(text))
        failure: EngineError | None = None
        for link in self.usable(options.language):
            try:
                with link.breaker.trial():
                    async for chunk in progress.spoken_by(link.engine, options):
                        yield chunk
                return
            except EngineError as error:
                fell(self.name, link.engine.name, error)
                failure = error
        raise failure or EngineUnavailableError(f"{self.name} cannot be used just now.")

    async def voices(self) -> Sequence[VoiceInfo]:
        found: dict[str, VoiceInfo] = {}
        for link in self.links:
            for voice in await link.engine.voices():
                found.setdefault(voice.id, voice)
        return tuple(found.values())


class _Progress:
    """How much of a text has been spoken, by whom, and at which rate."""

    def __init__(self, groups: list[str]) -> None:
        self._groups = groups
        self._done = 0
        self._seconds = 0.0
        self._tried: list[str] = []
        self._rate_hz = 0

    async def spoken_by(self, voice: Voice, options: SpeechOptions) -> AsyncIterator[SpeechChunk]:
        self._tried.append(voice.name)
        while self._done < len(self._groups):
            began = self._seconds
            pieces = voice.speak(self._groups[self._done], options)
            resampler = Resampler()
            async with aclosing(cast("_Closing", pieces)):
                async for chunk in pieces:
                    yield self._at_one_rate(chunk, resampler, began)
            self._done += 1

    def _at_one_rate(self, chunk: SpeechChunk, resampler: Resampler, began: float) -> SpeechChunk:
        """Whoever listens opened their output at the first member's rate."""
        self._rate_hz = self._rate_hz or chunk.sample_rate_hz
        pcm16 = resampler.resample(chunk.pcm16, chunk.sample_rate_hz, self._rate_hz)
        self._seconds += len(pcm16) / 2 / self._rate_hz
        words = tuple(
            Word(w.text, w.start + began, w.end + began, w.confidence) for w in chunk.words
        )
        return SpeechChunk(pcm16, self._rate_hz, words, "|".join(self._tried))


class _Closing(Protocol):
    async def aclose(self) -> None: ...


def _groups(text: str) -> list[str]:
    """The first sentence alone, so that it is heard early; then as many together as are handed over at once."""
    groups: list[str] = []
    for sentence in sentences(text):
        if len(groups) > 1 and len(groups[-1]) + len(sentence) < SPOKEN_AT_ONCE:
            groups[-1] += " " + sentence
        else:
            groups.append(sentence)
    return groups
