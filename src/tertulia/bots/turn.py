"""One turn: hear, think, speak. Every stage streams, and all of them stop at once."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, cast

import structlog

from tertulia.bots.domain import Bot, Exchange, Rights
from tertulia.bots.result import (
    EngineUse,
    Heard,
    Sentence,
    Sounded,
    TurnEvent,
    TurnResult,
    Wrote,
)
from tertulia.bots.speaking import SentenceCutter, speakable
from tertulia.bots.thinking import Question, Thinker
from tertulia.kernel.clock import Clock
from tertulia.kernel.errors import TertuliaError
from tertulia.language.errors import LanguageError, ModelTimeoutError
from tertulia.ledger.domain import Unit
from tertulia.speech.decoding import Source
from tertulia.speech.domain import RecognitionOptions, SpeechChunk, SpeechOptions
from tertulia.speech.engines.errors import EngineError, EngineTimeoutError
from tertulia.speech.repetition import loops
from tertulia.speech.service import SpeechService
from tertulia.speech.text import likely_language

log = structlog.get_logger(__name__)

LOOKED_AT_WORDS = 80
"""Of the end of a reply, where a model that goes round in circles shows."""
ALL_SILENT = 0.995
"""From this share of silence on there is nothing to hear."""
SAME_SENTENCE = 3
"""A model that says one sentence so often in a row is stuck."""


@dataclass(frozen=True, slots=True)
class TurnAsked:
    """What a door hands over: audio or text, and what it remembers."""

    bot: Bot
    audio: Source | None = None
    text: str | None = None
    """What was said, where it is heard already or was written."""
    language: str | None = None
    voice: str | None = None
    rights: Rights = field(default_factory=Rights)
    history: Sequence[Exchange] = ()
    memory: str = ""
    state: Mapping[str, Any] | None = None
    """What the script of the bot remembers: `state` of the turn before."""
    speak: bool = True
    stt: str | None = None
    llm: str | None = None
    tts: str | None = None
    """Chains in the place of the bot's own, where a budget left others."""


Events = asyncio.Queue[TurnEvent | None]
Sentences = asyncio.Queue[str | None]


class TurnService:
    """Runs turns for every door. It keeps nothing: what is to be remembered, the door hands in and takes out.

    A slow listener slows nothing down: a reply has a limit, and so has what waits for whoever listens.
    """

    def __init__(self, speech: SpeechService, thinker: Thinker, clock: Clock) -> None:
        self._speech = speech
        self._clock = clock
        self.thinker = thinker

    def begin(self, asked: TurnAsked) -> "Turn":
        """A turn; it runs while its events are read."""
        return Turn(asked, self._speech, self.thinker, self._clock)

    def chains(self, asked: TurnAsked) -> tuple[str, str, str]:
        """The engines a turn would use, by their names in order: to hear, to think, to speak."""
        bot, language = asked.bot, asked.language or asked.bot.language
        hears = self._speech.recognizer(_chain(bot.stt), language).name if asked.audio else ""
        speaks = self._speech.voice(_chain(bot.tts), language).name if asked.speak else ""
        return hears, self.thinker.chain(bot), speaks

    def hears(self, bot: Bot) -> tuple[str | None, str | None]:
        """What would hear for a bot just now; or why nothing can, as on a machine without a model for its language."""
        try:
            chain = self._speech.recognizer(_chain(bot.stt), bot.language)
            next(iter(chain.usable(bot.language)))
        except TertuliaError as error:
            return None, error.detail
        return chain.name, None

    async def run(self, asked: TurnAsked) -> TurnResult:
        """A whole turn, for whoever does not listen while it runs; the sound is thrown away."""
        turn = self.begin(asked)
        async with aclosing(cast(Any, turn.events())) as events:
            async for _ in events:
                continue
        return turn.result


class Turn:
    """A turn under way."""

    def __init__(
        self, asked: TurnAsked, speech: SpeechService, thinker: Thinker, clock: Clock
    ) -> None:
        self._asked = asked
        self._speech = speech
        self._thinker = thinker
        self._clock = clock
        self._began = clock.monotonic()
        self._work: asyncio.Task[None] | None = None
        self.result = TurnResult()

    async def events(self) -> AsyncIterator[TurnEvent]:
        """Everything as it happens. Closing this ends every stage at once; a stage that fails raises here."""
        events: asyncio.Queue[TurnEvent | None] = asyncio.Queue()
        self._began = self._clock.monotonic()
        self._work = asyncio.create_task(self._run(events))
        try:
            while (event := await events.get()) is not None:
                yield event
            await self._work
        except asyncio.CancelledError:
            if not self.result.interrupted:
                raise
        finally:
            self._work.cancel()
            with suppress(asyncio.CancelledError, TertuliaError):
                await self._work
            self.result.total_ms = self._since(self._began)

    def stop(self) -> None:
        """Ends the turn: the person speaks again, or hangs up. What was said until then is in the result."""
        self.result.interrupted = True
        if self._work is not None:
            self._work.cancel()

    async def _run(self, events: Events) -> None:
        try:
            await self._hear()
            result = self.result
            events.put_nowait(Heard(result.transcript, result.language, result.input_seconds))
            sentences: asyncio.Queue[str | None] = asyncio.Queue()
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._think(events, sentences))
                    group.create_task(self._speak(events, sentences))
            except BaseExceptionGroup as group_error:
                raise _first(group_error) from None
        finally:
            events.put_nowait(None)

    # Hear

    async def _hear(self) -> None:
        asked, result = self._asked, self.result
        result.language = asked.language or asked.bot.language
        if asked.audio is None:
            result.transcript = (asked.text or "").strip()
            return
        began = self._clock.monotonic()
        options = RecognitionOptions(language=result.language, words=True)
        engine = asked.stt or _chain(asked.bot.stt)
        try:
            async with asyncio.timeout(asked.bot.limits.hear_seconds):
                done = await self._speech.transcribe(asked.audio, options, engine=engine)
        except TimeoutError:
            raise EngineTimeoutError(
                "What was said could not be heard in time. Send less at a time, or try again."
            ) from None
        finally:
            result.stt_ms = self._since(began)
        found, result.info = done.recognition, done.info
        result.provider_stt = found.provider
        result.input_seconds = done.info.duration_seconds
        # some recognisers hear words in pure silence
        result.transcript = "" if done.info.silence_ratio >= ALL_SILENT else found.text.strip()
        result.heard_words = tuple(w for s in found.segments for w in s.words)
        result.language = result.language or found.language
        last = found.provider.split("|")[-1]
        if result.input_seconds and last:
            used = EngineUse(last, None, Unit.SECONDS, result.input_seconds, result.stt_ms)
            result.uses.append(used)

    # Think

    async def _think(self, events: Events, sentences: Sentences) -> None:
        asked, result = self._asked, self.result
        began = self._clock.monotonic()
        cutter = SentenceCutter(asked.bot.language or result.language)
        watch = _Circles()
        try:
            async with asyncio.timeout(asked.bot.limits.think_seconds):
                pieces = self._reply()
                async with aclosing(cast(Any, pieces)):
                    async for piece in pieces:
                        text = self._taken(piece)
                        if not text:
                            break
                        events.put_nowait(Wrote(text))
                        whole = cutter.feed(text)
                        for sentence in whole:
                            sentences.put_nowait(sentence)
                        if watch.stuck(whole, result.reply):
                            result.cut_error = "llm_loop"
                            break
        except TimeoutError:
            self._cut(ModelTimeoutError("The reply took longer than the bot's limit."))
        except LanguageError as error:
            self._cut(error)
        finally:
            result.llm_ms = self._since(began)
            self._account()
        for sentence in cutter.finish() if result.cut_error is None else ():
            sentences.put_nowait(sentence)
        sentences.put_nowait(None)

    async def _reply(self) -> AsyncIterator[str]:
        asked, result = self._asked, self.result
        if result.silent:
            yield self._thinker.silence(asked.bot, asked.rights, asked.state)
            result.thought.state = dict(asked.state or {})
            return
        question = Question(
            bot=asked.bot,
            said=result.transcript,
            rights=asked.rights,
            language=result.language,
            history=asked.history,
            memory=asked.memory,
            state=asked.state,
            chain=asked.llm,
        )
        pieces = self._thinker.reply(question, result.thought)
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece

    def _taken(self, piece: str) -> str:
        """The piece as far as the reply may still grow."""
        result = self.result
        left = self._asked.bot.limits.reply_characters - len(result.reply)
        text = piece[:left]
        if len(text) < len(piece):
            result.cut_error = "llm_too_long_reply"
        if text and result.first_word_ms is None:
            result.first_word_ms = self._since(self._began)
        result.reply += text
        return text

    def _cut(self, error: LanguageError) -> None:
        """A reply that broke off stands as far as it came; one that never began is a failure."""
        if not self.result.reply.strip():
            raise error
        self.result.cut_error = error.code
        log.warning("reply cut short", code=error.code)

    def _account(self) -> None:
        result = self.result
        result.provider_llm = result.thought.provider
        for spent in result.thought.spent:
            for unit, count in (
                (Unit.TOKENS_IN, spent.usage.tokens_in),
                (Unit.TOKENS_OUT, spent.usage.tokens_out),
            ):
                if count:
                    used = EngineUse(spent.engine, spent.model, unit, count, spent.elapsed_ms)
                    result.uses.append(used)

    # Speak

    async def _speak(self, events: Events, sentences: Sentences) -> None:
        asked, number = self._asked, 0
        while (sentence := await sentences.get()) is not None:
            if not asked.speak or self.result.voice_error is not None:
                continue
            language = self._spoken_language(sentence)
            text = speakable(sentence, language)
            if not text:
                continue
            began = self._clock.monotonic()
            try:
                async with asyncio.timeout(asked.bot.limits.speak_seconds):
                    await self._sound(events, number, sentence, text, language)
            except TimeoutError:
                self.result.voice_error = EngineTimeoutError.code
            except EngineError as error:
                self.result.voice_error = error.code
                log.warning("reply not spoken", code=error.code)
            finally:
                self.result.tts_ms += self._since(began)
            number += 1

    async def _sound(
        self,
        events: Events,
        number: int,
        sentence: str,
        text: str,
        language: str,
    ) -> None:
        asked, result = self._asked, self.result
        options = SpeechOptions(asked.voice or asked.bot.voice, language, asked.bot.speed)
        engine = asked.tts or _chain(asked.bot.tts)
        started = self._clock.monotonic()
        start = result.output_seconds
        pieces = self._speech.speak(text, options, engine=engine)
        written = sentence
        try:
            async with aclosing(cast(Any, pieces)):
                async for chunk in pieces:
                    self._sounded(events, number, written, chunk)
                    written = ""
        finally:
            # also what was begun: a listener may have heard it
            if result.output_seconds > start:
                result.sentences.append(Sentence(sentence, start, result.output_seconds))
                last = result.provider_tts.split("|")[-1]
                used = EngineUse(last, None, Unit.CHARACTERS, len(text), self._since(started))
                result.uses.append(used)

    def _sounded(self, events: Events, number: int, written: str, chunk: SpeechChunk) -> None:
        result = self.result
        if result.first_sound_ms is None:
            result.first_sound_ms = self._since(self._began)
        at = result.output_seconds
        result.output_seconds += len(chunk.pcm16) / 2 / chunk.sample_rate_hz
        result.provider_tts = _joined(result.provider_tts, chunk.provider)
        events.put_nowait(
            Sounded(number, written, chunk.pcm16, chunk.sample_rate_hz, at, chunk.words)
        )

    def _spoken_language(self, sentence: str) -> str:
        known = self._asked.bot.language or self._asked.language or self.result.language
        return known or likely_language(self.result.reply or sentence)

    def _since(self, began: float) -> int:
        return round((self._clock.monotonic() - began) * 1000)


class _Circles:
    """Notices a model that goes round in circles."""

    def __init__(self) -> None:
        self._last = ""
        self._times = 0

    def stuck(self, sentences: Sequence[str], reply: str) -> bool:
        for sentence in sentences:
            self._times = self._times + 1 if sentence == self._last else 1
            self._last = sentence
        if self._times >= SAME_SENTENCE:
            return True
        return bool(sentences) and loops(reply.split()[-LOOKED_AT_WORDS:])


def _chain(names: Sequence[str]) -> str | None:
    """A bot's chain as engines take it; None is the server's own."""
    return ",".join(names) or None


def _joined(before: str, now: str) -> str:
    """Every provider once, in the order they were tried."""
    return "|".join(dict.fromkeys(n for n in (*before.split("|"), *now.split("|")) if n))


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What went wrong, rather than that something did in a group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
