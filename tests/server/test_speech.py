"""How speech is put together from the settings."""

from pathlib import Path
from typing import Any

import pytest
from tests.fakes.tiny_whisper import SENTENCE

from tertulia.kernel.settings import Settings
from tertulia.server.metrics import Metrics
from tertulia.server.speech import Auto, build_speech, opened_speech
from tertulia.speech.choice import Surroundings
from tertulia.speech.domain import RecognitionOptions
from tertulia.speech.engines.errors import EngineUnavailableError
from tertulia.speech.service import Engines

BARE = Surroundings(downloads=True, hub_answers=False)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return Settings(data=tmp_path)


def changed(settings: Settings, **values: Any) -> Settings:
    return Settings(data=settings.data, **values)


def auto(settings: Settings, **around: Any) -> Auto:
    made = Auto(settings, Engines({}, {}, {"espeak": None, "piper:es_ES-davefx-medium": None}))  # type: ignore[dict-item]
    made.around = Surroundings(**{"downloads": True, "hub_answers": False, **around})
    return made


@pytest.mark.unit
@pytest.mark.parametrize(
    ("around", "language", "files", "live"),
    [
        ({}, None, ["pocketsphinx"], ["pocketsphinx"]),
        ({}, "en-GB", ["pocketsphinx"], ["pocketsphinx"]),
        ({"whisper_here": ("small",)}, None, ["whisper"], ["whisper"]),
        (
            {"whisper_here": ("small",)},
            "en",
            ["whisper", "pocketsphinx"],
            ["whisper", "pocketsphinx"],
        ),
        ({"whisper_here": ("small",)}, "es", ["whisper"], ["whisper"]),
        ({"hub_answers": True}, None, ["whisper", "pocketsphinx"], ["whisper", "pocketsphinx"]),
        ({"hub_answers": True}, "ru", ["whisper"], ["whisper"]),
        ({"openai": True}, None, ["openai"], ["pocketsphinx"]),
        ({"gladia": True}, "es", ["gladia"], ["gladia"]),
    ],
)
def test_auto_is_what_works_here_and_what_follows_it(
    settings: Settings,
    around: dict[str, Any],
    language: str | None,
    files: list[str],
    live: list[str],
) -> None:
    made = auto(settings, **around)
    assert made.recognizers(language) == files
    assert made.live(language) == live


@pytest.mark.unit
def test_a_language_nobody_here_knows_is_refused_with_the_fix(settings: Settings) -> None:
    with pytest.raises(EngineUnavailableError, match="models pull small"):
        auto(settings).recognizers("es")


@pytest.mark.unit
def test_the_voice_follows_the_language_and_espeak_follows_the_voice(settings: Settings) -> None:
    piper = {"piper_installed": True, "piper_here": ("es_ES-davefx-medium",)}
    made = auto(settings, **piper)
    assert made.voices("es") == ["piper:es_ES-davefx-medium", "espeak"]
    assert made.voices("ru") == ["espeak"]
    newer = auto(settings, piper_installed=True, piper_here=("ru_RU-irina-medium",))
    assert newer.voices("ru") == ["espeak"]


@pytest.mark.unit
def test_vendors_are_there_where_they_are_set(settings: Settings) -> None:
    names = {(e.name, e.kind) for e in build_speech(settings).service.engines()}
    assert names == {
        *(
            (name, kind)
            for name in ("whisper", "sherpa", "pocketsphinx")
            for kind in ("stt", "live")
        ),
        ("espeak", "tts"),
    }
    full = changed(settings, gladia_key="k", openai_url="http://127.0.0.1:1/v1")
    more = {(e.name, e.kind) for e in build_speech(full).service.engines()} - names
    assert more == {("gladia", "stt"), ("gladia", "live"), ("openai", "stt"), ("openai", "tts")}


@pytest.mark.unit
def test_an_engine_that_is_not_installed_is_left_out_and_said(settings: Settings) -> None:
    speech = build_speech(changed(settings, stt="livekit:nobody,pocketsphinx", tts="espeak"))
    states = {state.name: state for state in speech.engines()}
    assert not states["livekit:nobody"].works
    assert "pip install livekit-plugins-nobody" in states["livekit:nobody"].reason
    assert states["pocketsphinx"].works
    assert states["espeak"].works


@pytest.mark.engine
async def test_a_whisper_of_ones_own_is_used_and_counted(
    settings: Settings, tiny_whisper: Path, speech: Path
) -> None:
    metrics = Metrics()
    own = changed(settings, whisper_model=str(tiny_whisper), speech_workers=1)
    async with opened_speech(own, metrics) as opened:
        assert opened.auto.recogniser("es").engine == "whisper"
        done = await opened.service.transcribe(
            speech / "es/azure_es-mx.wav", RecognitionOptions(language="es")
        )
        load = await opened.load()
    assert done.recognition.provider == "whisper"
    assert SENTENCE.split()[0] in done.recognition.text
    assert load is not None
    assert load.restarts == 0
    assert load.capacity >= 1
    used = metrics.registry.get_sample_value(
        "tertulia_engine_used_total", {"engine": "whisper", "unit": "file_seconds"}
    )
    assert used == pytest.approx(6.1, abs=0.2)
