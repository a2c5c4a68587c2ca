"""What the description of OpenAI's audio API shows: made by the code that answers, so that it stays true."""

from typing import Any

from tertulia.speech.domain import Recognition, Segment, Word
from tertulia.speech.formats import render
from tertulia.speech.protocol import TranscriptionForm, TranslationForm, diarized, plain, verbose

_WORDS = (
    Word("Buenos", 0.48, 0.86, 0.93),
    Word("días,", 0.86, 1.24, 0.97),
    Word("¿en", 1.52, 1.64, 0.91),
    Word("qué", 1.64, 1.82, 0.95),
    Word("puedo", 1.82, 2.11, 0.94),
    Word("ayudarle?", 2.11, 2.8, 0.96),
)
_SPOKEN = Recognition(
    (Segment("Buenos días, ¿en qué puedo ayudarle?", 0.48, 2.8, _WORDS, "es", 0.94, "A"),),
    "es",
    3.2,
    "whisper",
)
_TRANSLATED = Recognition(
    (Segment("Good morning, how can I help you?", 0.48, 2.8, (), "en", 0.9),), "en", 3.2, "whisper"
)
_WITH_WORDS = TranscriptionForm(
    response_format="verbose_json", timestamp_granularities=["word", "segment"]
)

SPEECH: dict[str, Any] = {
    "speech": {
        "summary": "An MP3 by the server's own voice",
        "value": {"model": "tts-1", "voice": "alloy", "input": "Buenos días a todos."},
    },
    "local": {
        "summary": "A WAV by eSpeak NG, slower and in Spanish",
        "value": {
            "model": "espeak",
            "voice": "es",
            "input": "Buenos días a todos.",
            "language": "es",
            "speed": 0.8,
            "response_format": "wav",
        },
    },
}


def transcription_content() -> dict[str, Any]:
    """The answers of `POST /v1/audio/transcriptions`, by media type."""
    deltas = (
        'data: {"type": "transcript.text.delta", "delta": "Buenos días, ¿en qué puedo ayudarle?"}\n\n'
        'data: {"type": "transcript.text.done", "text": "Buenos días, ¿en qué puedo ayudarle?"}\n\n'
    )
    return {
        **_content(_SPOKEN, _WITH_WORDS),
        "text/event-stream": {"example": deltas},
    }


def translation_content() -> dict[str, Any]:
    """The answers of `POST /v1/audio/translations`, by media type."""
    return _content(_TRANSLATED, TranslationForm(response_format="verbose_json"))


def _content(found: Recognition, form: TranslationForm) -> dict[str, Any]:
    answers = {"json": plain(found), "verbose_json": verbose(found, form)}
    if isinstance(form, TranscriptionForm):
        answers["diarized_json"] = diarized(found)
    return {
        "application/json": {
            "examples": {name: {"value": value} for name, value in answers.items()}
        },
        "text/plain": {"example": found.text + "\n"},
        "application/x-subrip": {"example": render(found, "srt").decode()},
        "text/vtt": {"example": render(found, "vtt").decode()},
    }
