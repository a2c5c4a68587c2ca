"""Voices of eSpeak NG: offline, a hundred languages, from the espeakng-loader wheel."""

import asyncio
import ctypes
import functools
import threading
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tertulia.kernel.clock import Clock
from tertulia.speech.domain import (
    Capabilities,
    SpeechChunk,
    SpeechOptions,
    VoiceInfo,
    Word,
)
from tertulia.speech.engines.base import BaseVoice, EngineObserver, Patience
from tertulia.speech.engines.errors import EngineUnavailableError, VoiceError
from tertulia.speech.text import likely_language, sentences

NORMAL_WORDS_PER_MINUTE = 175
SLOWEST_WORDS_PER_MINUTE, FASTEST_WORDS_PER_MINUTE = 80, 450

# From speak_lib.h
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_UTF8, _END_PAUSE = 1, 0x1000
_BY_CHARACTER = 1
_RATE = 1
_LIST_END, _WORD = 0, 1
_GENDERS = {1: "male", 2: "female"}

_OTHER_CODES = {"zh": "cmn", "no": "nb", "iw": "he"}
"""Codes people use for languages that eSpeak NG calls otherwise."""


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(slots=True)
class _Spoken:
    """What the library hands over while it speaks one sentence."""

    pcm16: bytearray = field(default_factory=bytearray)
    marks: list[tuple[int, int, int]] = field(default_factory=list)
    """Position in the text (from 1), length in characters, milliseconds into the audio."""


class _Library:
    """The shared library. It keeps its state in globals, so one lock guards every call into it."""

    def __init__(self) -> None:
        import espeakng_loader

        self._lock = threading.Lock()
        self._under_way = _Spoken()
        self._library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
        path = espeakng_loader.get_data_path().encode()
        self.sample_rate_hz: int = self._library.espeak_Initialize(
            _SYNCHRONOUS, 0, path, _DONT_EXIT
        )
        if self.sample_rate_hz <= 0:
            raise OSError("espeak_Initialize failed")
        # The library calls this as long as the process lives, so it must never be collected.
        self._callback = _Callback(self._heard)
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._files: dict[str, bytes] = {}
        self.voices = self._list()
        self.ids = frozenset(self._files)

    def _heard(self, wave: Any, count: int, events: Any) -> int:
        """Takes the next samples and word marks; runs inside the library's call."""
        if wave and count:
            self._under_way.pcm16 += ctypes.string_at(wave, count * 2)
        index = 0
        while events[index].type != _LIST_END:
            event = events[index]
            if event.type == _WORD:
                self._under_way.marks.append(
                    (event.text_position, event.length, event.audio_position)
                )
            index += 1
        return 0

    def _list(self) -> tuple[VoiceInfo, ...]:
        found: dict[str, VoiceInfo] = {}
        pointers = self._library.espeak_ListVoices(None)
        index = 0
        while pointers[index]:
            voice = pointers[index].contents
            index += 1
            # A list of (priority byte, language, NUL), the best first, ended by a zero priority.
            language = ctypes.string_at(voice.languages + 1).decode()
            name = voice.name.decode()
            gender = _GENDERS.get(voice.gender)
            found.setdefault(language, VoiceInfo(language, name, language, gender))
            self._files.setdefault(language, voice.identifier)
        return tuple(found.values())

    def speak(self, text: str, voice: str, words_per_minute: int) -> _Spoken:
        """Speaks one sentence; blocks, so it runs on a thread."""
        data = text.replace("\0", " ").encode("utf-8", "replace") + b"\0"
        with self._lock:
            self._under_way = _Spoken()
            if self._library.espeak_SetVoiceByName(self._files[voice]) != 0:
                raise VoiceError(f"espeak's voice {voice} is broken. Reinstall espeakng-loader.")
            self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
            status = self._library.espeak_Synth(
                data, len(data), 0, _BY_CHARACTER, 0, _UTF8 | _END_PAUSE, None, None
            )
            if status != 0:
                raise VoiceError(f"espeak could not speak (status {status}).")
            return self._under_way


@functools.cache
def _library() -> _Library:
    return _Library()


@functools.cache
def _thread() -> ThreadPoolExecutor:
    """The one thread that speaks: sentences of different people take turns on it."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="espeak")


class EspeakVoice(BaseVoice):
    """Speaks sentence by sentence, so that people who speak at once take turns and sound comes early."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        observer: EngineObserver | None = None,
        patience: Patience = Patience(),
    ) -> None:
        try:
            self._library = _library()
        except (ImportError, OSError) as error:
            raise EngineUnavailableError(
                f"espeak cannot be loaded ({type(error).__name__}). Reinstall espeakng-loader."
            ) from None
        languages = frozenset(v.language.split("-")[0] for v in self._library.voices)
        capabilities = Capabilities(
            languages=languages | _OTHER_CODES.keys(),
            streaming=True,
            words=True,
            detects_language=True,
        )
        super().__init__("espeak", capabilities, clock=clock, observer=observer, patience=patience)

    async def voices(self) -> Sequence[VoiceInfo]:
        return self._library.voices

    async def _speak_impl(
        self, text: str, options: SpeechOptions
    ) -> AsyncGenerator[SpeechChunk, None]:
        voice = self._choose(text, options)
        rate = round(NORMAL_WORDS_PER_MINUTE * options.speed)
        rate = min(max(rate, SLOWEST_WORDS_PER_MINUTE), FASTEST_WORDS_PER_MINUTE)
        loop = asyncio.get_running_loop()
        offset = 0.0
        for sentence in sentences(text):
            spoken = await loop.run_in_executor(
                _thread(), self._library.speak, sentence, voice, rate
            )
            rate_hz = self._library.sample_rate_hz
            length = len(spoken.pcm16) / 2 / rate_hz
            if not length:
                continue
            words = _words(sentence, spoken.marks, offset, offset + length)
            yield SpeechChunk(bytes(spoken.pcm16), rate_hz, words)
            offset += length

    def _choose(self, text: str, options: SpeechOptions) -> str:
        """The voice asked for when there is one; else the language's own."""
        asked = (options.voice or "").lower()
        if asked in self._library.ids:
            return asked
        language = (options.language or likely_language(text)).lower()
        if language in self._library.ids:
            return language
        main = language.split("-")[0]
        main = _OTHER_CODES.get(main, main)
        if main in self._library.ids:
            return main
        regional = sorted(i for i in self._library.ids if i.split("-")[0] == main)
        return regional[0] if regional else "en"


def _words(
    sentence: str, marks: list[tuple[int, int, int]], start: float, end: float
) -> tuple[Word, ...]:
    """Each word lasts until the next one; the library may mark one place several times."""
    firsts = [m for n, m in enumerate(marks) if n == 0 or m[0] != marks[n - 1][0]]
    words: list[Word] = []
    for index, (position, length, at_ms) in enumerate(firsts):
        text = sentence[position - 1 : position - 1 + length]
        until = start + firsts[index + 1][2] / 1000 if index + 1 < len(firsts) else end
        begin = min(start + at_ms / 1000, end)
        if text.strip() and until > begin:
            words.append(Word(text, begin, min(until, end)))
    return tuple(words)
