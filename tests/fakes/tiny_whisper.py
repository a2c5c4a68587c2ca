"""A Whisper of the real tiny shape with random weights, whose words are written into its position table.

It costs what the real one costs and says the same sentence whatever it hears, so that timing, batching and
the shape of results can be tested without a download.
"""

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import numpy as np
from ctranslate2.specs import WhisperSpec
from faster_whisper.tokenizer import _LANGUAGE_CODES
from numpy.typing import NDArray
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

RECIPE = "3"
"""Part of the cache folder's name: raise it when what is made here changes."""

SENTENCE = "people gather in the square after dinner and talk about the news of the day until the lamps go out"

TEXT_TOKENS = 50_257
END_OF_TEXT = TEXT_TOKENS
# English in the place where the real models have it, right behind the start token
LANGUAGES = ("en", *(code for code in _LANGUAGE_CODES if code not in {"en", "yue"}))
SPACE_TOKEN = 220
POSITIONS = 448
LOUDNESS = 40.0
"""How far above the noise of random layers a scripted token stands."""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """The sizes of one Whisper."""

    width: int
    heads: int
    layers: int
    inner: int


TINY = Shape(384, 6, 4, 1536)


def tiny_whisper(
    cache: Path | None = None, *, sentence: str = SENTENCE, seconds: float = 8.0
) -> Path:
    """The folder of the model, made once a machine."""
    root = (
        cache or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tertulia-tests"
    )
    name = (
        f"tiny-{RECIPE}-ct{ctranslate2.__version__}-{abs(_stable_hash(f'{sentence}|{seconds}')):x}"
    )
    target = root / name
    if (target / "model.bin").exists():
        return target
    root.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=root))
    _make(draft, sentence.split(), seconds)
    try:
        draft.rename(target)
    except OSError:  # another process was faster
        shutil.rmtree(draft)
    return target


def _stable_hash(text: str) -> int:
    value = 5381
    for character in text:
        value = (value * 33 + ord(character)) & 0xFFFFFFFF
    return value


def _vocabulary(words: list[str]) -> dict[str, int]:
    """Bytes first, as GPT-2 orders them, then our words, then fillers to the real size."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    characters = [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]
    tokens = list(dict.fromkeys([*characters, *("Ġ" + word for word in words)]))
    tokens += [f"Ġfiller{i}" for i in range(TEXT_TOKENS - 1 - len(tokens))]
    tokens.append("")  # CTranslate2 takes a model for multilingual when this token exists
    return {token: place for place, token in enumerate(tokens)}


def _tokenizer(words: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(vocab=_vocabulary(words), merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["endoftext", "startoftranscript", *LANGUAGES]
    special += ["translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"]
    tokenizer.add_special_tokens(
        [AddedToken(f"<|{name}|>", special=True, normalized=False) for name in special]
    )
    tokenizer.add_tokens([AddedToken(f"<|{i * 0.02:.2f}|>", normalized=False) for i in range(1501)])
    return tokenizer


class _Weights:
    """Random layers of one shape."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.random = np.random.default_rng(20)

    def noise(self, *size: int, scale: float = 0.02) -> Array:
        return self.random.standard_normal(size, dtype=np.float32) * np.float32(scale)

    def dense(self, layer: object, rows: int, columns: int, scale: float = 0.02) -> None:
        layer.weight = self.noise(rows, columns, scale=scale)  # type: ignore[attr-defined]
        layer.bias = np.zeros(rows, np.float32)  # type: ignore[attr-defined]

    def norm(self, layer: object) -> None:
        layer.gamma = np.ones(self.shape.width, np.float32)  # type: ignore[attr-defined]
        layer.beta = np.zeros(self.shape.width, np.float32)  # type: ignore[attr-defined]

    def block(self, layer: object, *, crossing: bool) -> None:
        width, quiet = self.shape.width, 0.005
        own = layer.self_attention  # type: ignore[attr-defined]
        self.norm(own.layer_norm)
        self.dense(own.linear[0], 3 * width, width)
        self.dense(own.linear[1], width, width, quiet)
        if crossing:
            other = layer.attention  # type: ignore[attr-defined]
            self.norm(other.layer_norm)
            self.dense(other.linear[0], width, width)
            self.dense(other.linear[1], 2 * width, width)
            self.dense(other.linear[2], width, width, quiet)
        feed = layer.ffn  # type: ignore[attr-defined]
        self.norm(feed.layer_norm)
        self.dense(feed.linear_0, self.shape.inner, width)
        self.dense(feed.linear_1, width, self.shape.inner, quiet)


def _script(tokenizer: Tokenizer, words: list[str], seconds: float) -> list[int]:
    """What is predicted after each position of the prompt <start> <en> <transcribe>, repeated to the end."""
    stamp = tokenizer.token_to_id("<|0.00|>")
    spoken = [tokenizer.token_to_id("Ġ" + word) for word in words]
    said = [stamp, *spoken, stamp + round(seconds / 0.02), END_OF_TEXT]
    head = [tokenizer.token_to_id("<|en|>"), tokenizer.token_to_id("<|transcribe|>")]
    loops = POSITIONS // len(said) + 1
    return [*head, *(said * loops)][:POSITIONS]


def _make(folder: Path, words: list[str], seconds: float) -> None:
    tokenizer = _tokenizer(words)
    tokenizer.save(str(folder / "tokenizer.json"))
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1])
    weights, shape = _Weights(TINY), TINY
    embeddings = weights.noise(len(vocabulary), shape.width, scale=0.05)
    spec = WhisperSpec(shape.layers, shape.heads, shape.layers, shape.heads)
    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight = weights.noise(shape.width, 80, 3)
    encoder.conv2.weight = weights.noise(shape.width, shape.width, 3)
    encoder.conv1.bias = encoder.conv2.bias = np.zeros(shape.width, np.float32)
    encoder.position_encodings.encodings = weights.noise(1500, shape.width)
    decoder.position_encodings.encodings = embeddings[
        _script(tokenizer, words, seconds)
    ] * np.float32(LOUDNESS)
    decoder.embeddings.weight = decoder.projection.weight = embeddings
    for half, crossing in ((encoder, False), (decoder, True)):
        weights.norm(half.layer_norm)
        for layer in half.layer:
            weights.block(layer, crossing=crossing)
    spec.register_vocabulary([token for token, _ in vocabulary])
    _configure(spec, tokenizer, shape)
    spec.validate()
    spec.optimize(quantization="float16")
    spec.save(str(folder))
    (folder / "preprocessor_config.json").write_text(
        json.dumps(
            {
                "feature_size": 80,
                "sampling_rate": 16000,
                "hop_length": 160,
                "chunk_length": 30,
                "n_fft": 400,
            }
        )
    )


def _configure(spec: WhisperSpec, tokenizer: Tokenizer, shape: Shape) -> None:
    marks = ("transcribe", "translate", "startoflm", "startofprev", "nospeech")
    spec.config.suppress_ids = sorted(tokenizer.token_to_id(f"<|{mark}|>") for mark in marks)
    spec.config.suppress_ids_begin = [SPACE_TOKEN, END_OF_TEXT]
    spec.config.lang_ids = [tokenizer.token_to_id(f"<|{code}|>") for code in LANGUAGES]
    spec.config.alignment_heads = [(shape.layers - 1, head) for head in range(shape.heads)]
