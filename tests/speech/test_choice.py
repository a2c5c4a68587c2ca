"""What `auto` means on different machines."""

from dataclasses import replace
from pathlib import Path

import pytest

from tertulia.kernel.settings import Settings
from tertulia.speech.choice import Surroundings, choose_recogniser, choose_voice, look_around

pytestmark = pytest.mark.unit

BARE = Surroundings()


def test_a_bare_machine_falls_back_to_pocketsphinx_and_says_so() -> None:
    choice = choose_recogniser(BARE, "en")
    assert choice.engine == "pocketsphinx"
    assert "cannot be reached" in choice.reason
    assert "English only" in choice.reason
    assert choice.better is not None
    assert "tertulia models pull small" in choice.better


def test_pocketsphinx_is_never_given_another_language() -> None:
    choice = choose_recogniser(BARE, "es-MX")
    assert choice.engine is None
    assert choice.better is not None


def test_a_model_that_is_here_is_taken_whatever_the_network_does() -> None:
    for hub in (True, False):
        around = replace(BARE, whisper_here=("tiny", "small"), hub_answers=hub)
        assert choose_recogniser(around, "ru").model == "small"
        assert choose_recogniser(around, "ru").better is None


def test_another_model_than_the_one_set_is_better_than_none() -> None:
    choice = choose_recogniser(replace(BARE, whisper_here=("tiny", "base")))
    assert (choice.engine, choice.model) == ("whisper", "base")
    assert choice.better is not None
    assert "small" in choice.better


def test_english_models_are_not_taken_for_other_languages() -> None:
    around = replace(BARE, whisper_here=("small.en", "tiny"))
    assert choose_recogniser(around, "es").model == "tiny"
    assert choose_recogniser(around, "en").model == "small.en"


def test_a_hub_that_answers_means_whisper_on_first_use() -> None:
    choice = choose_recogniser(replace(BARE, hub_answers=True), "es")
    assert (choice.engine, choice.model) == ("whisper", "small")
    assert (
        choose_recogniser(replace(BARE, hub_answers=True, downloads=False), "en").engine
        == "pocketsphinx"
    )


def test_the_order_of_what_is_not_whisper() -> None:
    around = replace(
        BARE, gladia=True, openai=True, sherpa_installed=True, sherpa_model="zipformer-en"
    )
    assert choose_recogniser(around).engine == "sherpa"
    around = replace(around, sherpa_model=None)
    assert choose_recogniser(around).engine == "gladia"
    assert choose_recogniser(replace(around, gladia=False)).engine == "openai"


def test_without_anything_it_still_answers() -> None:
    choice = choose_recogniser(replace(BARE, pocketsphinx_installed=False, downloads=False))
    assert choice.engine is None
    assert "TERTULIA_DOWNLOAD_MODELS" in choice.reason


def test_a_gpu_deserves_a_larger_model() -> None:
    choice = choose_recogniser(replace(BARE, whisper_here=("small",), cuda=True))
    assert choice.engine == "whisper"
    assert choice.better is not None
    assert "large-v3-turbo" in choice.better


def test_voices() -> None:
    assert choose_voice(BARE, "es").engine == "espeak"
    assert "es_ES-davefx-medium" in (choose_voice(BARE, "es").better or "")
    assert "pip install" in (choose_voice(BARE, "es").better or "")
    piper = replace(
        BARE, piper_installed=True, piper_here=("en_US-lessac-medium", "ru_RU-irina-medium")
    )
    assert choose_voice(piper, "ru").model == "ru_RU-irina-medium"
    assert choose_voice(piper, "es").engine == "espeak"
    assert choose_voice(piper).model == "en_US-lessac-medium"
    assert choose_voice(replace(BARE, openai=True), "sw").engine == "openai"
    assert choose_voice(replace(BARE, espeak_installed=False)).engine is None


def test_looking_around_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    settings = Settings(data=tmp_path)
    around = look_around(settings)
    assert around.whisper_here == ()
    assert around.pocketsphinx_installed
    assert not around.hub_answers
    folder = settings.models_folder / "whisper" / "small"
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(b"x")
    assert look_around(settings).whisper_here == ("small",)
    assert choose_recogniser(look_around(settings), "es").engine == "whisper"
