"""A script spoken aloud: sound, and the words with the times at which they are heard."""

import asyncio
import io
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tertulia.demo.domain import Script
from tertulia.speech.domain import SpeechChunk, SpeechOptions, Word
from tertulia.speech.text import sentences
from tertulia.transcripts.domain import Draft

RATE_HZ = 24_000
ENGINE = "espeak"
"""The one voice that is always there, and that tells when each word is said."""
MEDIA_TYPE = "audio/mpeg"
BITS_PER_SECOND = 64_000
LEAD_SECONDS = 0.4
PAUSES_SECONDS = (0.45, 0.7, 0.35, 0.9)
FRAME_SAMPLES = 48_000


class Speaks(Protocol):
    """Text to speech; `SpeechService` does."""

    def speak(
        self, text: str, options: SpeechOptions = ..., *, engine: str | None = ...
    ) -> AsyncIterator[SpeechChunk]: ...


@dataclass(frozen=True, slots=True)
class Performance:
    """What became of a script."""

    drafts: tuple[Draft, ...]
    mp3: bytes


@dataclass(frozen=True, slots=True)
class _Sound:
    """A sentence's samples, and where they stand."""

    at_seconds: float
    channel: int
    pcm16: bytes
    rate_hz: float


async def perform(speech: Speaks, script: Script) -> Performance:
    """Speaks all of it, sentence after sentence."""
    at = LEAD_SECONDS
    sounds: list[_Sound] = []
    drafts: list[Draft] = []
    for number, line in enumerate(script.lines):
        for sentence in sentences(line.text):
            spoken = await _spoken(speech, sentence, script, line.role)
            channel = line.role if script.channels > 1 else 0
            rate_hz = spoken.sample_rate_hz * script.roles[line.role].pitch
            seconds = len(spoken.pcm16) / 2 / rate_hz
            sounds.append(_Sound(at, channel, spoken.pcm16, rate_hz))
            pitch = script.roles[line.role].pitch
            words = _words(sentence, spoken.words, at, at + seconds, pitch)
            drafts.append(_draft(script, line.role, f"d{len(drafts) + 1}", sentence, words))
            at += seconds
        at += PAUSES_SECONDS[number % len(PAUSES_SECONDS)]
    mp3 = await asyncio.to_thread(_written, sounds, script.channels, at)
    return Performance(tuple(drafts), mp3)


async def _spoken(speech: Speaks, sentence: str, script: Script, role: int) -> SpeechChunk:
    """One sentence in a role's voice: spoken slower and played faster, it is higher and takes as long."""
    pitch, voice = script.roles[role].pitch, script.roles[role].voice
    options = SpeechOptions(voice=voice, language=script.language, speed=1 / pitch)
    whole = SpeechChunk(b"", RATE_HZ)
    async for chunk in speech.speak(sentence, options, engine=ENGINE):
        words = (*whole.words, *chunk.words)
        whole = replace(chunk, pcm16=whole.pcm16 + chunk.pcm16, words=words)
    return whole


def _words(
    sentence: str, marks: Sequence[Word], start: float, end: float, pitch: float
) -> tuple[Word, ...]:
    """The sentence's own words, punctuation and all, at the times the voice told for what is in them."""
    tokens = sentence.split()
    begins: list[float | None] = [None] * len(tokens)
    left = list(marks)
    for place, token in enumerate(tokens):
        while left and (left[0].text in token or left[0].text.startswith(token)):
            mark = left.pop(0)
            if begins[place] is None:
                begins[place] = start + mark.start / pitch
    begins[0] = start
    known = [(place, began) for place, began in enumerate(begins) if began is not None]
    times = [*known, (len(tokens), end)]
    words: list[Word] = []
    # a word the voice did not tell of shares the time of the one before it
    for (first, began), (last, until) in itertools.pairwise(times):
        step = (until - began) / (last - first)
        words += [
            Word(
                tokens[n],
                round(began + (n - first) * step, 3),
                round(began + (n - first + 1) * step, 3),
            )
            for n in range(first, last)
        ]
    return tuple(words)


def _draft(script: Script, role: int, id_: str, text: str, words: tuple[Word, ...]) -> Draft:
    speaker = script.roles[role]
    return Draft(
        id_,
        text,
        words[0].start,
        words[-1].end,
        speaker=speaker.name,
        person=speaker.person,
        channel=role if script.channels > 1 else None,
        language=script.language,
        words=words,
    )


def _written(sounds: Sequence[_Sound], channels: int, seconds: float) -> bytes:
    """All sentences at their places, as one file; takes a moment, so it runs on a thread."""
    import av
    import numpy as np

    mixed = np.zeros((channels, int(seconds * RATE_HZ) + 1), np.float32)
    for sound in sounds:
        samples = np.frombuffer(sound.pcm16, np.int16).astype(np.float32) / 32_768
        count = int(len(samples) * RATE_HZ / sound.rate_hz)
        begin = int(sound.at_seconds * RATE_HZ)
        count = min(count, mixed.shape[1] - begin)
        places = np.arange(count) * (sound.rate_hz / RATE_HZ)
        mixed[sound.channel, begin : begin + count] += np.interp(
            places, np.arange(len(samples)), samples
        )
    layout = "stereo" if channels == 2 else "mono"
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=RATE_HZ, layout=layout)
        stream.bit_rate = BITS_PER_SECOND
        pcm16 = (np.clip(mixed, -1, 1) * 32_767).astype(np.int16)
        for begin in range(0, pcm16.shape[1], FRAME_SAMPLES):
            piece = pcm16[:, begin : begin + FRAME_SAMPLES]
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(piece.T).reshape(1, -1), format="s16", layout=layout
            )
            frame.sample_rate = RATE_HZ
            frame.pts = begin
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
