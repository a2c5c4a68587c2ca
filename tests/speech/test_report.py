"""What the Status room and the doctor say of engines."""

import pytest

from tertulia.speech.choice import Surroundings
from tertulia.speech.report import report

pytestmark = pytest.mark.unit


def test_a_bare_machine_hears_english_and_says_what_would_be_better() -> None:
    found = {(r.kind, r.name): r for r in report(Surroundings())}
    chosen = found["stt", "pocketsphinx"]
    assert chosen.works
    assert "`auto` takes it" in chosen.reason
    assert "tertulia models pull small" in (chosen.better or "")
    assert not found["stt", "whisper"].works
    assert not found["stt", "gladia"].works
    assert found["tts", "espeak"].works


def test_a_model_at_hand_is_taken() -> None:
    found = {r.name: r for r in report(Surroundings(whisper_here=("small",))) if r.kind == "stt"}
    assert found["whisper"].works
    assert "`auto` takes it" in found["whisper"].reason
    assert "`auto`" not in found["pocketsphinx"].reason


def test_what_works_comes_first() -> None:
    for kind in ("stt", "tts"):
        works = [r.works for r in report(Surroundings(gladia=True)) if r.kind == kind]
        assert works == sorted(works, reverse=True)
