"""Speech for the rest of the server: recordings to text, text to speech, live streams, and what there is to choose."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from tertulia.kernel.clock import Clock, SystemClock
from tertulia.kernel.errors import InvalidRequestError, NotFoundError
from tertulia.kernel.vendor import Breaker
from tertulia.speech.chain import ChainRecognizer, ChainVoice, Engine
from tertulia.speech.chain_live import ChainLiveRecognizer
from tertulia.speech.decoding import Source
from tertulia.speech.domain import (
    SAMPLE_RATE_HZ,
    AudioInfo,
    Capabilities,
    LiveRecognizer,
    LiveStream,
    Recognition,
    RecognitionOptions,
    Recognizer,
    Segment,
    SpeechChunk,
    SpeechOptions,
    Voice,
    VoiceInfo,
    Word,
)
from tertulia.speech.listening import Heard, listening
from tertulia.speech.spool import Decodes, Spool, spooled

PIECE_SECONDS = 600.0
"""A recording is read in pieces of about this length, cut where it is quiet."""
FIRST_PIECE_SECONDS = 30.0
"""Where somebody waits for the text as it is made, the first pieces are short."""
CHANNELS_AT_ONCE = 2
ENGLISH = "en"
"""What every engine translates into."""

AUTO = "auto"
STOCK_RECOGNIZERS = ("whisper-1", "gpt-transcribe", "gpt-4o-transcribe", "gpt-4o-mini-transcribe")
STOCK_VOICES = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""Names that OpenAI's clients send; they mean this server's own choice."""
STOCK_SPEAKERS = frozenset(
    [
        "alloy",
        "ash",
        "ballad",
        "cedar",
        "coral",
        "echo",
        "fable",
        "marin",
        "nova",
        "onyx",
        "sage",
        "shimmer",
        "verse",
    ]
)

E = TypeVar("E", bound=Engine)
T = TypeVar("T")
Progress = Callable[[float], None]
"""Called with the share of a recording that is read, 0 to 1."""


class Chooser(Protocol):
    """Puts the engines of this machine in the order `auto` means."""

    def recognizers(self, language: str | None) -> Sequence[str]: ...

    def live(self, language: str | None) -> Sequence[str]: ...

    def voices(self, language: str | None) -> Sequence[str]: ...


class ModelNotFoundError(NotFoundError):
    """No engine or chain goes by that name."""

    code = "model_not_found"
    title = "There is no model or engine by that name"


@dataclass(frozen=True, slots=True)
class Engines:
    """Everything that can be chosen, by name. Only the server puts it together."""

    recognizers: Mapping[str, Recognizer]
    live: Mapping[str, LiveRecognizer]
    voices: Mapping[str, Voice]


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """One engine as it is listed."""

    name: str
    kind: str
    capabilities: Capabilities


@dataclass(frozen=True, slots=True)
class Transcribed:
    """The text of a recording, and what the recording is."""

    recognition: Recognition
    info: AudioInfo


class SpeechService:
    """The use cases of speech. An engine is named by its name, a chain (`gladia,whisper`), or `auto`."""

    def __init__(
        self,
        engines: Engines,
        decoder: Decodes,
        chooser: Chooser,
        *,
        stt: Sequence[str] = (AUTO,),
        tts: Sequence[str] = (AUTO,),
        clock: Clock | None = None,
    ) -> None:
        self._engines = engines
        self._decoder = decoder
        self._chooser = chooser
        self._stt, self._tts = tuple(stt), tuple(tts)
        self._clock: Clock = clock or SystemClock()
        self._breakers: dict[str, dict[str, Breaker]] = {"stt": {}, "live": {}, "tts": {}}

    async def transcribe(
        self,
        source: Source,
        options: RecognitionOptions = RecognitionOptions(),
        *,
        engine: str | None = None,
        channels: bool = False,
        progress: Progress | None = None,
    ) -> Transcribed:
        """Reads a recording; with `channels` each one by itself, merged by time."""
        recognizer = self.recognizer(engine, options.language)
        began = self._clock.monotonic()
        async with spooled(self._decoder, source, split=channels) as spool:
            turns = asyncio.Semaphore(CHANNELS_AT_ONCE)
            done = [0.0] * spool.channels

            def heard(channel: int, share: float) -> None:
                # never back, though a piece is begun again when its engine dies
                done[channel] = max(done[channel], share)
                if progress is not None:
                    progress(sum(done) / len(done))

            async def read(channel: int) -> list[Recognition]:
                tell = partial(heard, channel)
                async with turns:
                    steps = _pieces(spool, channel, recognizer, options, heard=tell)
                    return [piece async for piece in steps]

            each = await _together([read(c) for c in range(spool.channels)])
            info = spool.info
        read_pieces = [piece for pieces in each for piece in pieces]
        elapsed_ms = round((self._clock.monotonic() - began) * 1000)
        return Transcribed(_merged(read_pieces, options, info, recognizer.name, elapsed_ms), info)

    async def transcribe_stream(
        self,
        source: Source,
        options: RecognitionOptions = RecognitionOptions(),
        *,
        engine: str | None = None,
    ) -> AsyncIterator[Segment]:
        """Segments as they are read, for somebody who waits."""
        recognizer = self.recognizer(engine, options.language)
        async with spooled(self._decoder, source) as spool:
            steps = _pieces(spool, 0, recognizer, options, first_seconds=FIRST_PIECE_SECONDS)
            async for piece in steps:
                for segment in piece.segments:
                    yield segment

    async def speak(
        self,
        text: str,
        options: SpeechOptions = SpeechOptions(),
        *,
        engine: str | None = None,
    ) -> AsyncIterator[SpeechChunk]:
        """Speaks in pieces as they are made."""
        voice = self.voice(engine, options.language)
        options = await self._with_known_voice(voice, options)
        pieces = voice.speak(text, options)
        async with aclosing(cast("_Closing", pieces)):
            async for chunk in pieces:
                yield chunk

    async def open_live(
        self,
        options: RecognitionOptions = RecognitionOptions(),
        *,
        engine: str | None = None,
        offset_seconds: float = 0.0,
    ) -> LiveStream:
        """Starts a live conversation."""
        recognizer = self.live_recognizer(engine, options.language)
        return await recognizer.open(options, offset_seconds=offset_seconds)

    def recognizer(self, engine: str | None = None, language: str | None = None) -> ChainRecognizer:
        """The recogniser or chain by that name."""
        names = self._names(engine, self._stt, STOCK_RECOGNIZERS)
        wanted = self._expanded(names, self._chooser.recognizers, language)
        members = _members(wanted, self._engines.recognizers)
        return ChainRecognizer(members, clock=self._clock, breakers=self._breakers["stt"])

    def live_recognizer(
        self, engine: str | None = None, language: str | None = None
    ) -> ChainLiveRecognizer:
        """The live recogniser or chain by that name."""
        names = self._names(engine, self._stt, STOCK_RECOGNIZERS)
        wanted = self._expanded(names, self._chooser.live, language)
        members = _members(wanted, self._engines.live)
        return ChainLiveRecognizer(members, clock=self._clock, breakers=self._breakers["live"])

    def voice(self, engine: str | None = None, language: str | None = None) -> ChainVoice:
        """The voice engine or chain by that name."""
        names = self._names(engine, self._tts, STOCK_VOICES)
        wanted = self._expanded(names, self._chooser.voices, language)
        members = _members(wanted, self._engines.voices)
        return ChainVoice(members, clock=self._clock, breakers=self._breakers["tts"])

    async def voices(self, engine: str | None = None) -> Sequence[VoiceInfo]:
        """The voices one can choose from."""
        return await self.voice(engine).voices()

    def engines(self) -> list[EngineInfo]:
        """Every engine there is, recognisers first."""
        kinds: tuple[tuple[str, Mapping[str, Engine]], ...] = (
            ("stt", self._engines.recognizers),
            ("live", self._engines.live),
            ("tts", self._engines.voices),
        )
        return [
            EngineInfo(name, kind, engine.capabilities)
            for kind, engines in kinds
            for name, engine in engines.items()
        ]

    def models(self) -> list[str]:
        """Every name that may be given as a model: OpenAI's, `auto`, and the engines' own."""
        own = dict.fromkeys(e.name for e in self.engines())
        return [*STOCK_RECOGNIZERS, *STOCK_VOICES, AUTO, *own]

    async def close(self) -> None:
        """Closes every engine once."""
        seen: dict[int, Engine] = {}
        for group in (self._engines.recognizers, self._engines.live, self._engines.voices):
            seen.update({id(e): e for e in cast("Mapping[str, Engine]", group).values()})
        for engine in seen.values():
            await engine.close()

    def _names(
        self, asked: str | None, own: tuple[str, ...], stock: tuple[str, ...]
    ) -> tuple[str, ...]:
        if asked is None or asked in stock or not asked.strip():
            return own
        return tuple(part.strip() for part in asked.split(",") if part.strip())

    @staticmethod
    def _expanded(
        names: tuple[str, ...],
        choose: Callable[[str | None], Sequence[str]],
        language: str | None,
    ) -> list[str]:
        """The chain with `auto` written out and no name twice."""
        wanted: dict[str, None] = {}
        for name in names:
            wanted.update(dict.fromkeys(choose(language) if name == AUTO else (name,)))
        return list(wanted)

    @staticmethod
    async def _with_known_voice(voice: ChainVoice, options: SpeechOptions) -> SpeechOptions:
        """A voice nobody has is refused; OpenAI's names mean no preference where they are not known."""
        if options.voice is None:
            return options
        listed = [await link.engine.voices() for link in voice.links]
        known = {v.id.lower() for voices in listed for v in voices}
        if options.voice.lower() in known or not all(listed):
            return options
        if options.voice.lower() in STOCK_SPEAKERS:
            return replace(options, voice=None)
        raise InvalidRequestError(
            f"{voice.name} has no voice {options.voice[:40]!r}. GET /v1/audio/voices lists them."
        )


async def _together(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All results, or the first failure as it is; what is still under way then is given up."""
    tasks = [asyncio.ensure_future(w) for w in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _members(wanted: Sequence[str], engines: Mapping[str, E]) -> list[E]:
    unknown = [name for name in wanted if name not in engines]
    if unknown or not wanted:
        there = ", ".join(engines) or "none"
        raise ModelNotFoundError(
            f"{', '.join(unknown)[:80] or 'auto'} is not an engine here. There are: {there}."
        )
    return [engines[name] for name in wanted]


async def _pieces(
    spool: Spool,
    channel: int,
    recognizer: Recognizer,
    options: RecognitionOptions,
    first_seconds: float = PIECE_SECONDS,
    *,
    heard: Heard | None = None,
) -> AsyncIterator[Recognition]:
    """One channel, piece after piece. Speakers are told apart over a whole file only."""
    length, at, seconds = spool.length(channel), 0, first_seconds
    number = channel if spool.channels > 1 else None
    while at < length:
        longest = length if options.diarise else round(seconds * SAMPLE_RATE_HZ)
        end = await asyncio.to_thread(spool.cut, channel, at, longest)
        samples = await asyncio.to_thread(spool.read, channel, at, end)
        tell = _share_of(at, end, length, heard or _nobody)
        with listening(tell):
            found = await recognizer.transcribe(samples, options)
        tell(1.0)
        yield _placed(found, at / SAMPLE_RATE_HZ, number)
        at, seconds = end, min(seconds * 2, PIECE_SECONDS)


def _nobody(share: float) -> None:
    """Nobody waits for how far it is."""


def _share_of(start: int, end: int, length: int, heard: Heard) -> Heard:
    """Turns shares of a piece into shares of the whole."""
    return lambda share: heard((start + share * (end - start)) / length)


def _placed(found: Recognition, offset: float, channel: int | None) -> Recognition:
    """A piece's recognition with its times and channel in the whole recording."""
    segments = tuple(
        replace(
            s,
            start=s.start + offset,
            end=s.end + offset,
            words=tuple(
                Word(w.text, w.start + offset, w.end + offset, w.confidence) for w in s.words
            ),
            language=s.language or found.language,
            channel=channel if channel is not None else s.channel,
        )
        for s in found.segments
    )
    return replace(found, segments=segments)


def _merged(
    pieces: Sequence[Recognition],
    options: RecognitionOptions,
    info: AudioInfo,
    engine: str,
    elapsed_ms: int,
) -> Recognition:
    """All pieces of all channels in the order of time."""
    segments = sorted(
        (s for piece in pieces for s in piece.segments), key=lambda s: (s.start, s.channel or 0)
    )
    spoken: dict[str, float] = {}
    for segment in segments:
        if segment.language:
            spoken[segment.language] = (
                spoken.get(segment.language, 0.0) + segment.end - segment.start
            )
    detected = max(spoken, key=lambda code: spoken[code]) if spoken else None
    if options.translate:
        segments = [replace(segment, language=ENGLISH) for segment in segments]
    providers = dict.fromkeys(name for p in pieces for name in p.provider.split("|"))
    return Recognition(
        tuple(segments),
        ENGLISH if options.translate else options.language or detected,
        info.duration_seconds,
        "|".join(providers) or engine,
        elapsed_ms,
    )


class _Closing(Protocol):
    async def aclose(self) -> None: ...
