"""Every engine there is: whether it works here, why, and what would be better."""

from dataclasses import dataclass, replace
from typing import Literal

from tertulia.speech.choice import (
    PIPER_VOICES,
    Choice,
    Surroundings,
    choose_recogniser,
    choose_voice,
)
from tertulia.speech.wording import Wording


@dataclass(frozen=True, slots=True)
class EngineReport:
    """One engine on this machine. The one that `auto` takes says so in its reason."""

    name: str
    kind: Literal["stt", "tts"]
    works: bool
    reason: str
    better: str | None = None
    chosen: bool = False
    """Whether `auto` takes it."""


def report(around: Surroundings) -> list[EngineReport]:
    """The engines of a machine, recognisers first; those that work before those that do not."""
    hears = _told(_recognisers(around), choose_recogniser(around))
    speaks = _told(_voices(around), choose_voice(around))
    return [*sorted(hears, key=lambda r: not r.works), *sorted(speaks, key=lambda r: not r.works)]


def _told(reports: list[EngineReport], choice: Choice) -> list[EngineReport]:
    """Puts what `auto` chose, and what would be better than that, into the chosen engine's report."""
    said = choice.reason
    reason = said.after("`auto` takes it: ") if isinstance(said, Wording) else said
    return [
        replace(r, works=True, reason=reason, better=choice.better, chosen=True)
        if r.name == choice.engine
        else r
        for r in reports
    ]


def _recognisers(around: Surroundings) -> list[EngineReport]:
    here = ", ".join(around.whisper_here)
    pull = Wording.advice("pull_model", model=around.whisper_model)
    key = Wording.advice("set_key", setting="TERTULIA_GLADIA_KEY")
    return [
        EngineReport(
            "whisper",
            "stt",
            bool(here) or (around.downloads and around.hub_answers),
            _either(here, "models_here", "no_model"),
            None if here else pull,
        ),
        EngineReport(
            "sherpa",
            "stt",
            around.sherpa_installed and around.sherpa_model is not None,
            Wording.reason("streams_on_cpu" if around.sherpa_installed else "not_installed"),
            None if around.sherpa_model else Wording.advice("install_sherpa"),
        ),
        EngineReport(
            "pocketsphinx",
            "stt",
            around.pocketsphinx_installed,
            Wording.reason(
                "english_no_download" if around.pocketsphinx_installed else "not_installed"
            ),
        ),
        EngineReport(
            "gladia",
            "stt",
            around.gladia,
            Wording.reason("key_given" if around.gladia else "no_key"),
            None if around.gladia else key,
        ),
        _server("stt", around),
    ]


def _voices(around: Surroundings) -> list[EngineReport]:
    here = ", ".join(around.piper_here)
    advice = "pull_voice" if around.piper_installed else "install_voice"
    return [
        EngineReport(
            "piper",
            "tts",
            around.piper_installed and bool(here),
            _either(here, "voices_here", "no_voice"),
            None if here else Wording.advice(advice, model=PIPER_VOICES["en"]),
        ),
        EngineReport(
            "espeak",
            "tts",
            around.espeak_installed,
            Wording.reason("languages_no_download" if around.espeak_installed else "not_installed"),
        ),
        _server("tts", around),
    ]


def _either(here: str, some: str, none: str) -> Wording:
    return Wording.reason(some, models=here) if here else Wording.reason(none)


def _server(kind: Literal["stt", "tts"], around: Surroundings) -> EngineReport:
    return EngineReport(
        "openai",
        kind,
        around.openai,
        Wording.reason("server_set" if around.openai else "no_server"),
        None if around.openai else Wording.advice("set_server"),
    )
