"""Piper with a tiny model of the real shape, and with models that are none."""

import shutil
from pathlib import Path

import pytest
from tests.fakes.tiny_piper import tiny_piper
from tests.speech.contract_voice import VoiceContract, seconds
from tests.speech.contract_voice import spoken as spoken_by

from tertulia.speech.domain import SpeechOptions
from tertulia.speech.engines.errors import EngineUnavailableError, UnsupportedLanguageError
from tertulia.speech.engines.piper import PiperVoice

pytest.importorskip("piper")

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_piper(tmp_path_factory.mktemp("piper"))


@pytest.fixture
def voice(model: Path) -> PiperVoice:
    return PiperVoice(model)


class TestPiperVoice(VoiceContract):
    pass


async def test_its_language_comes_from_its_configuration(voice: PiperVoice) -> None:
    assert [(v.id, v.language) for v in await voice.voices()] == [("es_ES-tiny-low", "es-ES")]
    assert voice.capabilities.languages == {"es"}
    with pytest.raises(UnsupportedLanguageError):
        await spoken_by(voice, "Привет", SpeechOptions(language="ru"))


async def test_each_sentence_comes_by_itself(voice: PiperVoice) -> None:
    chunks = await spoken_by(voice, "Hola a todos. Buenos días. Adiós.")
    assert len(chunks) == 3


async def test_speed_is_a_factor(voice: PiperVoice) -> None:
    normal, slow = [
        seconds(await spoken_by(voice, "hola a todos", SpeechOptions(speed=speed)))
        for speed in (1.0, 0.5)
    ]
    assert slow == pytest.approx(2 * normal, rel=0.02)


async def test_speakers_of_one_model_are_voices(tmp_path: Path) -> None:
    voice = PiperVoice(tiny_piper(tmp_path, speakers={"ana": 0, "leo": 1}))
    assert [v.id for v in await voice.voices()] == ["ana", "leo"]
    ana, leo = [
        (await spoken_by(voice, "hola", SpeechOptions(voice=name)))[0].pcm16
        for name in ("ana", "leo")
    ]
    assert ana != leo
    await voice.close()


async def test_double_brackets_are_text(voice: PiperVoice) -> None:
    assert await spoken_by(voice, "hola [[xyz]] amigos")


async def test_a_folder_stands_for_the_voice_in_it(model: Path) -> None:
    assert await spoken_by(PiperVoice(model.parent), "hola")


def test_a_missing_model_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailableError, match="TERTULIA_PIPER_MODEL"):
        PiperVoice(tmp_path / "nothing.onnx")


@pytest.mark.parametrize("text", ["", "not json", "[]", "{}"])
def test_a_broken_configuration_is_named(tmp_path: Path, text: str) -> None:
    model = tmp_path / "voice.onnx"
    model.write_bytes(b"x")
    (tmp_path / "voice.onnx.json").write_text(text)
    with pytest.raises(EngineUnavailableError, match=r"voice\.onnx\.json"):
        PiperVoice(model)


async def test_a_broken_model_is_a_clear_error(model: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    shutil.copy(f"{model}.json", f"{broken}.json")
    shutil.copy(f"{model}.json", broken)
    with pytest.raises(EngineUnavailableError, match=r"broken\.onnx cannot be loaded"):
        await spoken_by(PiperVoice(broken), "hola")
