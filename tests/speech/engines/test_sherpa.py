"""sherpa-onnx on a tiny transducer that counts aloud while the sound is loud."""

from pathlib import Path

import pytest
from tests.fakes.tiny_transducer import TOKENS, tiny_transducer
from tests.speech.contract import LocalModelContract

from tertulia.speech.domain import RecognitionOptions, Samples, Segment, Word
from tertulia.speech.engines.diarisation import Diariser, Turn, with_speakers
from tertulia.speech.engines.sherpa import SherpaModel
from tertulia.speech.engines.sherpa_tokens import hot_words_for, text_of, words_of
from tertulia.speech.models import ModelUnusableError

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> SherpaModel:
    return SherpaModel(tiny_transducer(tmp_path_factory.mktemp("sherpa")))


@pytest.fixture(scope="module")
def clip(speech: Path) -> Samples:
    from faster_whisper.audio import decode_audio

    samples: Samples = decode_audio(str(speech / "en" / "cards_002.wav"))
    return samples


class TestContract(LocalModelContract):
    pass


def test_pieces_become_words(model: SherpaModel, clip: Samples) -> None:
    text = model.transcribe(clip, RecognitionOptions()).segments[0].text
    assert text.startswith("one two three one two three")


def test_hot_words_are_heard_sooner_and_never_logged(
    tmp_path: Path, clip: Samples, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tiny_transducer(tmp_path)
    vocabulary = [f"{token}\t{-place}\n" for place, token in enumerate(TOKENS)]
    (folder / "bpe.vocab").write_text("".join(vocabulary), encoding="utf-8")
    model = SherpaModel(folder)
    assert model.capabilities.hot_words

    def heard(*hot_words: str) -> str:
        options = RecognitionOptions(hot_words=hot_words)
        return model.transcribe(clip, options).segments[0].text

    plain = heard()
    assert heard("zebra", "TWO") == heard("two") != plain
    assert heard("zebra", "two/zebra", "", ":2") == plain
    assert "zebra" not in "".join(capfd.readouterr())


def test_hot_words_are_spelt_as_the_model_spells() -> None:
    letters = frozenset({"▁", "▁THE", "T", "E", "H", "O", "R"})
    assert (
        hot_words_for(["the other", "there", "Zoë", "to: her"], letters) == "THE OTHER/THERE/TO HER"
    )
    assert hot_words_for([], letters) == ""


@pytest.mark.parametrize("missing", ["tokens.txt", "encoder.onnx", "decoder.onnx"])
def test_a_folder_that_lacks_a_part(tmp_path: Path, missing: str) -> None:
    folder = tiny_transducer(tmp_path / "model")
    (folder / missing).unlink()
    with pytest.raises(ModelUnusableError):
        SherpaModel(folder)


@pytest.mark.parametrize("broken", ["encoder.onnx", "decoder.onnx", "joiner.onnx"])
def test_a_broken_file_is_an_error_not_the_end_of_the_process(tmp_path: Path, broken: str) -> None:
    folder = tiny_transducer(tmp_path / "model")
    (folder / broken).write_bytes(b"garbage" * 50)
    with pytest.raises(ModelUnusableError, match=broken):
        SherpaModel(folder)


def test_words_from_tokens() -> None:
    words = words_of(["▁HE", "LLO", "<unk>", " WORLD"], [0.0, 0.2, 0.3, 2.0], 10.0, 12.2)
    assert [word.text for word in words] == ["hello", "world"]
    assert words[0] == Word("hello", 10.0, 10.3)
    assert words[1].end == 12.2


def test_languages_without_spaces_stay_without() -> None:
    words = words_of(["今", "天", "▁OK"], [0.0, 0.2, 0.4], 0.0, 1.0)
    assert [word.text for word in words] == ["今", "天", "ok"]
    assert text_of(words) == "今天 ok"


def test_speakers_cut_a_segment_where_they_change() -> None:
    words = tuple(
        Word(text, at, at + 0.5) for at, text in enumerate(["hi", "there", "hello", "you"])
    )
    segment = Segment("hi there hello you", 0.0, 3.5, words)
    turns = [Turn(0.0, 1.6, 1), Turn(1.9, 4.0, 2)]
    parts = with_speakers([segment], turns)
    assert [(part.speaker, part.text) for part in parts] == [
        ("Speaker 1", "hi there"),
        ("Speaker 2", "hello you"),
    ]
    assert (parts[0].end, parts[1].start) == (1.5, 2.0)


def test_nobody_is_named_when_it_is_not_sure() -> None:
    turns = [Turn(0.0, 2.0, 1), Turn(0.0, 2.0, 2)]
    assert with_speakers([Segment("both at once", 0.0, 2.0)], turns)[0].speaker is None
    assert with_speakers([Segment("far away", 50.0, 51.0)], turns)[0].speaker is None
    assert with_speakers([Segment("nobody", 0.0, 1.0)], [])[0].speaker is None


def test_a_folder_without_speaker_models(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusableError, match="segmentation"):
        Diariser(tmp_path)


def test_broken_speaker_models(tmp_path: Path) -> None:
    (tmp_path / "segmentation.onnx").write_bytes(b"x")
    (tmp_path / "embedding.onnx").write_bytes(b"x")
    with pytest.raises(ModelUnusableError):
        Diariser(tmp_path)
