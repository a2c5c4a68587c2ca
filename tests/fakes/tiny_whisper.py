"""A Whisper of the real tiny shape with random weights, each of whose tokens asks for the next one.

It costs what the real one costs and says the same sentence whatever it hears and whatever was said before, so
that timing, batching and the shape of results can be tested without a download.
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

RECIPE = "4"
"""Part of the cache folder's name: raise it when what is made here changes."""

SENTENCE = "people gather in the square after dinner and talk about news of their day until all lamps go out"
"""No word comes twice, for each is followed by one other."""

TEXT_TOKENS = 50_257
END_OF_TEXT = TEXT_TOKENS
# English in the place where the real models have it, right behind the start token
LANGUAGES = ("en", *(code for code in _LANGUAGE_CODES if code not in {"en", "yue"}))
SPACE_TOKEN = 220
POSITIONS = 448
LESSER = 4
CLOSE = 0.7
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
    tokenizer = Tokenizer(models.BPE(vocab=_vocabulary(words), merges=[], ignore_merges=True))
    # words known whole are one token, as common words are in the real vocabulary; others fall to bytes
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


def _chain(tokenizer: Tokenizer, words: list[str], seconds: float) -> list[list[int]]:
    """The words and the stamp behind them, each with the tokens that come close to it.

    Without those, the lesser beams of a search would stray, and run on to the model's limit.
    """
    place = tokenizer.get_vocab().__getitem__
    last = place("<|0.00|>") + round(seconds / 0.02)
    chain = [
        [place("Ġ" + word), *(place(f"Ġfiller{i * LESSER + j}") for j in range(LESSER))]
        for i, word in enumerate(words)
    ]
    return [*chain, [last + j for j in range(LESSER + 1)]]


def _followers(tokenizer: Tokenizer, chain: list[list[int]]) -> dict[int, int]:
    """What comes after each token: the words between two stamps, whichever stamp they begin with."""
    place = tokenizer.get_vocab().__getitem__
    first, task = place("<|0.00|>"), place("<|transcribe|>")
    following = dict.fromkeys(range(first, first + 1501), chain[0][0])
    for tokens, (after, *_) in zip(chain, [*chain[1:], [END_OF_TEXT]], strict=True):
        following |= dict.fromkeys(tokens, after)
    following |= dict.fromkeys([place(f"<|{code}|>") for code in LANGUAGES], task)
    following |= {place("<|startoftranscript|>"): place("<|en|>")}
    return following | {task: first, place("<|translate|>"): first}


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
    decoder.position_encodings.encodings = weights.noise(POSITIONS, shape.width)
    chain = _chain(tokenizer, words, seconds)
    for best, *lesser in chain:
        embeddings[lesser] = CLOSE * embeddings[best] + (1 - CLOSE) * embeddings[lesser]
    decoder.projection.weight = embeddings
    decoder.embeddings.weight = embeddings.copy()
    for token, following in _followers(tokenizer, chain).items():
        decoder.embeddings.weight[token] = embeddings[following] * np.float32(LOUDNESS)
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
