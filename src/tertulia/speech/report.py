"""Every engine there is: whether it works here, why, and what would be better."""

from dataclasses import dataclass
from typing import Literal

from tertulia.speech.choice import Choice, Surroundings, choose_recogniser, choose_voice


@dataclass(frozen=True, slots=True)
class EngineReport:
    """One engine on this machine. The one that `auto` takes says so in its reason."""

    name: str
    kind: Literal["stt", "tts"]
    works: bool
    reason: str
    better: str | None = None


def report(around: Surroundings) -> list[EngineReport]:
    """The engines of a machine, recognisers first; those that work before those that do not."""
    hears = _told(_recognisers(around), choose_recogniser(around))
    speaks = _told(_voices(around), choose_voice(around))
    return [*sorted(hears, key=lambda r: not r.works), *sorted(speaks, key=lambda r: not r.works)]


def _told(reports: list[EngineReport], choice: Choice) -> list[EngineReport]:
    """Puts what `auto` chose, and what would be better than that, into the chosen engine's report."""
    return [
        EngineReport(r.name, r.kind, True, f"`auto` takes it: {choice.reason}", choice.better)
        if r.name == choice.engine
        else r
        for r in reports
    ]


def _recognisers(around: Surroundings) -> list[EngineReport]:
    here = ", ".join(around.whisper_here)
    return [
        EngineReport(
            "whisper",
            "stt",
            bool(here) or (around.downloads and around.hub_answers),
            f"models here: {here}" if here else "no model is on this machine",
            None if here else f"`tertulia models pull {around.whisper_model}`",
        ),
        EngineReport(
            "sherpa",
            "stt",
            around.sherpa_installed and around.sherpa_model is not None,
            "streams on a CPU" if around.sherpa_installed else "sherpa-onnx is not installed",
            None
            if around.sherpa_model
            else "`pip install tertulia[sherpa]` and TERTULIA_SHERPA_MODEL",
        ),
        EngineReport(
            "pocketsphinx",
            "stt",
            around.pocketsphinx_installed,
            "English, with no download" if around.pocketsphinx_installed else "it is not installed",
        ),
        EngineReport(
            "gladia",
            "stt",
            around.gladia,
            "a key is given" if around.gladia else "no key is given",
            None if around.gladia else "TERTULIA_GLADIA_KEY",
        ),
        _server("stt", around),
    ]


def _voices(around: Surroundings) -> list[EngineReport]:
    here = ", ".join(around.piper_here)
    return [
        EngineReport(
            "piper",
            "tts",
            around.piper_installed and bool(here),
            f"voices here: {here}" if here else "no voice is on this machine",
            None
            if here
            else "`pip install tertulia[piper]` and `tertulia models pull en_US-lessac-medium`",
        ),
        EngineReport(
            "espeak",
            "tts",
            around.espeak_installed,
            "a hundred languages, with no download"
            if around.espeak_installed
            else "it is not installed",
        ),
        _server("tts", around),
    ]


def _server(kind: Literal["stt", "tts"], around: Surroundings) -> EngineReport:
    return EngineReport(
        "openai",
        kind,
        around.openai,
        "a key or a server of your own is set"
        if around.openai
        else "neither key nor server is set",
        None
        if around.openai
        else "TERTULIA_OPENAI_KEY, or TERTULIA_OPENAI_URL for a server of your own",
    )
