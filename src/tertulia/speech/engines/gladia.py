"""Gladia: recordings by upload and polling, live streams by its Live v2 socket.

https://docs.gladia.io/api-reference/v2
"""

import asyncio
from typing import Any

import httpx

from tertulia.kernel.clock import Clock
from tertulia.speech.domain import (
    Capabilities,
    LiveStream,
    Recognition,
    RecognitionOptions,
    Samples,
    Segment,
    Word,
)
from tertulia.speech.engines.base import (
    BaseLiveRecognizer,
    BaseRecognizer,
    EngineObserver,
    Patience,
)
from tertulia.speech.engines.errors import RecognitionError
from tertulia.speech.engines.gladia_live import GladiaStream
from tertulia.speech.engines.http import client, fields_of, reached, require_success
from tertulia.speech.engines.openai import as_wav

KEY_SETTING = "TERTULIA_GLADIA_KEY"
POLL_SECONDS = 1.0
SLOWEST_POLL_SECONDS = 10.0

LANGUAGES = frozenset(
    [
        "af",
        "am",
        "ar",
        "as",
        "az",
        "ba",
        "be",
        "bg",
        "bn",
        "bo",
        "br",
        "bs",
        "ca",
        "cs",
        "cy",
        "da",
        "de",
        "el",
        "en",
        "es",
        "et",
        "eu",
        "fa",
        "fi",
        "fo",
        "fr",
        "gl",
        "gu",
        "ha",
        "haw",
        "he",
        "hi",
        "hr",
        "ht",
        "hu",
        "hy",
        "id",
        "is",
        "it",
        "ja",
        "jw",
        "ka",
        "kk",
        "km",
        "kn",
        "ko",
        "la",
        "lb",
        "ln",
        "lo",
        "lt",
        "lv",
        "mg",
        "mi",
        "mk",
        "ml",
        "mn",
        "mr",
        "ms",
        "mt",
        "my",
        "ne",
        "nl",
        "nn",
        "no",
        "oc",
        "pa",
        "pl",
        "ps",
        "pt",
        "ro",
        "ru",
        "sa",
        "sd",
        "si",
        "sk",
        "sl",
        "sn",
        "so",
        "sq",
        "sr",
        "su",
        "sv",
        "sw",
        "ta",
        "te",
        "tg",
        "th",
        "tk",
        "tl",
        "tr",
        "tt",
        "uk",
        "ur",
        "uz",
        "vi",
        "yi",
        "yo",
        "yue",
        "zh",
    ]
)


class GladiaApi:
    """The HTTP side of Gladia, the same for recordings and live streams."""

    def __init__(self, key: str, url: str = "https://api.gladia.io") -> None:
        self._url = url.rstrip("/")
        self._client = client({"x-gladia-key": key})

    async def close(self) -> None:
        await self._client.aclose()

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        with reached("gladia"):
            return self._read(await self._client.post(self._url + path, json=body))

    async def upload(self, wav: bytes) -> dict[str, Any]:
        files = {"audio": ("audio.wav", wav, "audio/wav")}
        with reached("gladia"):
            return self._read(await self._client.post(f"{self._url}/v2/upload", files=files))

    async def get(self, path: str) -> dict[str, Any]:
        with reached("gladia"):
            return self._read(await self._client.get(self._url + path))

    @staticmethod
    def _read(response: httpx.Response) -> dict[str, Any]:
        require_success("gladia", KEY_SETTING, response, RecognitionError)
        return fields_of("gladia", response, RecognitionError)


def _language(options: RecognitionOptions) -> dict[str, Any]:
    languages = [options.language.split("-")[0].lower()] if options.language else []
    return {"languages": languages, "code_switching": False}


class GladiaRecognizer(BaseRecognizer):
    """Recordings: upload, begin, ask until it is done. Each step is tried again by itself, so none is paid twice."""

    def __init__(
        self,
        key: str,
        url: str = "https://api.gladia.io",
        *,
        clock: Clock | None = None,
        observer: EngineObserver | None = None,
        patience: Patience = Patience(),
    ) -> None:
        capabilities = Capabilities(
            languages=LANGUAGES,
            words=True,
            diarisation=True,
            translation=True,
            hot_words=True,
            detects_language=True,
            needs_network=True,
        )
        super().__init__("gladia", capabilities, clock=clock, observer=observer, patience=patience)
        self._api = GladiaApi(key, url)

    async def close(self) -> None:
        await self._api.close()

    async def _transcribe_impl(self, samples: Samples, options: RecognitionOptions) -> Recognition:
        limit = self.patience.timeout_seconds
        wav = await asyncio.to_thread(as_wav, samples)
        stored = await self._tried(lambda: self._api.upload(wav), limit)
        body = self._request(str(stored["audio_url"]), options)
        job = await self._tried(lambda: self._api.post("/v2/pre-recorded", body), limit)
        result = await self._result(str(job["id"]), limit)
        return _recognition(result, translated=options.translate)

    @staticmethod
    def _request(audio_url: str, options: RecognitionOptions) -> dict[str, Any]:
        body: dict[str, Any] = {"audio_url": audio_url, "language_config": _language(options)}
        if options.diarise:
            body["diarization"] = True
        if options.translate:
            body |= {"translation": True, "translation_config": {"target_languages": ["en"]}}
        if options.hot_words:
            body["custom_vocabulary"] = True
            body["custom_vocabulary_config"] = {"vocabulary": list(options.hot_words)}
        return body

    async def _result(self, job: str, limit_seconds: float) -> dict[str, Any]:
        wait = POLL_SECONDS
        while True:
            found = await self._tried(
                lambda: self._api.get(f"/v2/pre-recorded/{job}"), limit_seconds
            )
            match found.get("status"):
                case "done":
                    return dict(found["result"])
                case "error":
                    code = found.get("error_code")
                    shown = code if isinstance(code, int) else "unknown"
                    raise RecognitionError(f"gladia could not read this recording (error {shown}).")
            await self.clock.sleep(wait)
            wait = min(wait * 1.5, SLOWEST_POLL_SECONDS)


def _recognition(result: dict[str, Any], *, translated: bool) -> Recognition:
    text = result["translation"]["results"][0] if translated else result["transcription"]
    segments = tuple(segment_of(u) for u in text["utterances"] if str(u["text"]).strip())
    languages = text.get("languages") or [None]
    return Recognition(segments, languages[0], 0.0, "gladia")


def segment_of(utterance: dict[str, Any], offset: float = 0.0) -> Segment:
    """An utterance as Gladia writes it."""
    speaker = utterance.get("speaker")
    return Segment(
        text=str(utterance["text"]).strip(),
        start=float(utterance["start"]) + offset,
        end=float(utterance["end"]) + offset,
        words=tuple(
            Word(
                str(w["word"]).strip(),
                float(w["start"]) + offset,
                float(w["end"]) + offset,
                w.get("confidence"),
            )
            for w in utterance.get("words") or ()
        ),
        language=utterance.get("language"),
        confidence=utterance.get("confidence"),
        speaker=None if speaker is None else f"speaker {int(speaker) + 1}",
    )


class GladiaLiveRecognizer(BaseLiveRecognizer):
    """Live v2: a session is begun by HTTP, and its socket may be lost and taken up again."""

    def __init__(
        self,
        key: str,
        url: str = "https://api.gladia.io",
        *,
        clock: Clock | None = None,
        observer: EngineObserver | None = None,
        patience: Patience = Patience(),
    ) -> None:
        capabilities = Capabilities(
            languages=LANGUAGES,
            streaming=True,
            words=True,
            hot_words=True,
            detects_language=True,
            needs_network=True,
        )
        super().__init__("gladia", capabilities, clock=clock, observer=observer, patience=patience)
        self._api = GladiaApi(key, url)

    async def close(self) -> None:
        await self._api.close()

    async def _open_impl(self, options: RecognitionOptions, offset_seconds: float) -> LiveStream:
        body: dict[str, Any] = {
            "encoding": "wav/pcm",
            "sample_rate": 16_000,
            "bit_depth": 16,
            "channels": 1,
            "language_config": _language(options),
            "messages_config": {
                "receive_partial_transcripts": True,
                "receive_final_transcripts": True,
                "receive_acknowledgments": True,
                "receive_speech_events": False,
                "receive_pre_processing_events": False,
                "receive_realtime_processing_events": False,
                "receive_post_processing_events": False,
                "receive_errors": True,
                "receive_lifecycle_events": True,
            },
        }
        if options.hot_words:
            vocabulary = {"vocabulary": list(options.hot_words)}
            body["realtime_processing"] = {
                "custom_vocabulary": True,
                "custom_vocabulary_config": vocabulary,
            }
        session = await self._api.post("/v2/live", body)
        stream = GladiaStream(str(session["url"]), str(session["id"]), offset_seconds, self.clock)
        await stream.begin()
        return stream
