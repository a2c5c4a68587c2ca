"""Whisper on a model of the real tiny shape that says one sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fakes.tiny_whisper import SENTENCE
from tests.speech.contract import LocalModelContract

from tertulia.kernel.errors import InvalidRequestError
from tertulia.speech.domain import SAMPLE_RATE_HZ, RecognitionOptions, Samples
from tertulia.speech.engines.whisper import WhisperModel
from tertulia.speech.engines.whisper_driver import Job, _prompts, budget_for
from tertulia.speech.local import Window
from tertulia.speech.models import ModelUnusableError

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def model(tiny_whisper: Path) -> WhisperModel:
    return WhisperModel(tiny_whisper, device="cpu", workers=2)


@pytest.fixture(scope="module")
def clip(speech: Path) -> Samples:
    from faster_whisper.audio import decode_audio

    samples: Samples = decode_audio(str(speech / "en" / "librivox_sense_0870.wav"))
    return samples


class TestContract(LocalModelContract):
    pass


def test_the_sentence_is_read_whole(model: WhisperModel, clip: Samples) -> None:
    reading = model.transcribe(clip, RecognitionOptions(words=True))
    assert [segment.text for segment in reading.segments] == [SENTENCE]
    assert [word.text for word in reading.segments[0].words] == SENTENCE.split()
    assert reading.segments[0].confidence is not None


def test_the_language_is_heard_when_it_is_not_given(model: WhisperModel, clip: Samples) -> None:
    assert model.transcribe(clip, RecognitionOptions()).language == "en"
    assert model.read([Window(clip, RecognitionOptions(), True)])[0].language == "en"


def test_a_given_language_is_kept(model: WhisperModel, clip: Samples) -> None:
    reading = model.transcribe(clip, RecognitionOptions(language="es-MX"))
    assert {segment.language for segment in reading.segments} == {"es"}


def test_an_unknown_language_is_refused_in_words(model: WhisperModel, clip: Samples) -> None:
    with pytest.raises(InvalidRequestError, match="xx"):
        model.transcribe(clip, RecognitionOptions(language="xx"))


def test_long_files_are_read_in_windows_of_speech(model: WhisperModel, clip: Samples) -> None:
    pause = np.zeros(2 * SAMPLE_RATE_HZ, np.float32)
    long = np.concatenate([clip, pause] * 9)
    windows: list[float] = []
    reading = model.transcribe(long, RecognitionOptions(), windows.append)
    assert len(windows) == 3  # nine clips of seven seconds, four to a window of thirty
    assert reading.segments[-1].start > 70


def test_a_segment_does_not_reach_over_a_long_pause(model: WhisperModel, clip: Samples) -> None:
    pause = np.zeros(20 * SAMPLE_RATE_HZ, np.float32)
    reading = model.transcribe(np.concatenate([clip, pause, clip]), RecognitionOptions())
    assert " ".join(segment.text for segment in reading.segments) == SENTENCE
    assert all(segment.end - segment.start < 9 for segment in reading.segments)


def test_windows_with_different_pasts_may_be_read_together(
    model: WhisperModel, clip: Samples
) -> None:
    windows = [
        Window(clip, RecognitionOptions(language="en"), True, "said before"),
        Window(clip, RecognitionOptions(language="en", hot_words=("Tertulia", "Gladia")), True),
        Window(clip, RecognitionOptions(language="en", prompt="A talk."), False),
    ]
    assert len(model.read(windows)) == 3


def test_prompts_and_hot_words_have_a_limit(model: WhisperModel, clip: Samples) -> None:
    options = RecognitionOptions(language="en", hot_words=("word",) * 900, prompt="long " * 900)
    assert len(model.read([Window(clip, options, False)])) == 1


@pytest.mark.parametrize(("translate", "task"), [(True, "translate"), (False, "transcribe")])
def test_translation_is_asked_of_the_model(
    model: WhisperModel, clip: Samples, translate: bool, task: str
) -> None:
    prompt, tokenizer = _prompted(model, clip, RecognitionOptions("es", translate=translate))
    asked = [tokenizer.tokenizer.id_to_token(token) for token in prompt]
    assert asked == ["<|startoftranscript|>", "<|es|>", f"<|{task}|>"]


def test_hot_words_and_the_prompt_are_put_before_the_speech(
    model: WhisperModel, clip: Samples
) -> None:
    options = RecognitionOptions("en", hot_words=("square", "lamps"), prompt="news of the day")
    prompt, tokenizer = _prompted(model, clip, options)
    start = prompt.index(tokenizer.sot)
    assert prompt[0] == tokenizer.sot_prev
    assert tokenizer.tokenizer.decode(prompt[1:start]) == " square, lamps news of the day"


def test_windows_of_one_call_have_prompts_of_one_length(model: WhisperModel, clip: Samples) -> None:
    wishes = RecognitionOptions("en", hot_words=("square", "lamps"))
    jobs = [
        Job(clip, wishes, "people gather in the square"),
        Job(clip, wishes, "people gather in the square after dinner and talk"),
    ]
    driver = model._driver
    tokenizers = driver.tokenizers(driver.encode(jobs, 3000), jobs)
    prompts = _prompts(jobs, tokenizers)
    said = [
        tokenizer.tokenizer.decode(prompt[1 : prompt.index(tokenizer.sot)])
        for prompt, tokenizer in zip(prompts, tokenizers, strict=True)
    ]
    assert len(prompts[0]) == len(prompts[1])
    assert said[0] == " square, lamps people gather in the square"
    assert said[1].startswith(" square, lamps")
    assert said[1].endswith("after dinner and talk")


def test_a_partial_may_be_as_long_as_anybody_speaks(model: WhisperModel, clip: Samples) -> None:
    [short] = model.read([Window(clip[:16_000], RecognitionOptions("en"), True)])
    [whole] = model.read([Window(clip[: 16_000 * 3], RecognitionOptions("en"), True)])
    assert len(short.words) <= 14
    assert len(whole.words) == len(SENTENCE.split())
    assert budget_for(2, ["hi"]) > 2 * budget_for(2, ["en", "ru"])


def test_partials_in_one_call_read_as_each_does_alone(model: WhisperModel, clip: Samples) -> None:
    wishes = RecognitionOptions("en")
    windows = [
        Window(clip[: 16_000 * n], wishes, True, context, hurried=True)
        for n, context in ((3, ""), (4, "people gather"), (3, ""), (2, "news of their day"))
    ]
    together = model.read(windows)
    alone = [model.read([window])[0] for window in windows]
    assert [[w.text for w in r.words] for r in together] == [
        [w.text for w in r.words] for r in alone
    ]


def _prompted(
    model: WhisperModel, clip: Samples, options: RecognitionOptions
) -> tuple[list[int], Any]:
    """The tokens the model is begun with, and the tokenizer they are of."""
    job = Job(clip, options)
    tokenizer = model._driver.tokenizers(model._driver.encode([job], job.frames), [job])[0]
    return _prompts([job], [tokenizer])[0], tokenizer


def test_a_partial_costs_far_less_than_a_full_window(model: WhisperModel, clip: Samples) -> None:
    import time

    def cpu_seconds(quick: bool) -> float:
        window = Window(clip, RecognitionOptions(language="en"), quick)
        model.read([window])
        started = time.process_time()
        for _ in range(3):
            model.read([window])
        return time.process_time() - started

    assert cpu_seconds(quick=True) < 0.6 * cpu_seconds(quick=False)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusableError, match="tertulia models pull"):
        WhisperModel(tmp_path)


def test_a_broken_model(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"not a model" * 100)
    with pytest.raises(ModelUnusableError):
        WhisperModel(tmp_path, device="cpu")
