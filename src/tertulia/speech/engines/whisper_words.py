"""Whisper's tokens to words and times."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tertulia.speech.domain import Word

SECONDS_A_STAMP = 0.02
_BEFORE = "\"'“¿([{-«„"
_AFTER = "\"'.。,，!！?？:：”)]}、…»;"
_LONGEST_WORD_SECONDS = 1.4


@dataclass(frozen=True, slots=True)
class Stretch:
    """Tokens between two time stamps, in seconds from the window's start."""

    tokens: tuple[int, ...]
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Timed:
    """A word as it is written, with the space before it, and when it is said."""

    text: str
    start: float
    end: float
    confidence: float | None = None


def stretches(
    tokens: Sequence[int], first_stamp: int, seconds: float
) -> tuple[list[Stretch], float]:
    """The stretches of one window, and up to where it has been read.

    Two stamps in a row end one stretch and begin the next. A single one at the end says that nobody speaks
    after it; text after the last pair was cut by the token limit, and has to be read again from there.
    """
    found: list[Stretch] = []
    words: list[int] = []
    start = 0.0
    end = 0.0
    for token in tokens:
        if token < first_stamp:
            words.append(token)
            continue
        stamp = min((token - first_stamp) * SECONDS_A_STAMP, seconds)
        if words:
            found.append(Stretch(tuple(words), start, max(start, stamp)))
            words = []
        start = end = max(end, stamp)
    if not words:
        single = len(tokens) > 1 and tokens[-1] >= first_stamp > tokens[-2]
        return found, seconds if single or not found else end
    if found:
        return found, end
    return [Stretch(tuple(words), start, seconds)], seconds


def spread(stretch: Stretch, tokenizer: Any) -> list[Timed]:
    """Words spread over their stretch by length: costs nothing, and is right to a few tenths of a second."""
    words = _split(tokenizer, list(stretch.tokens))
    total = sum(len(text) for text, _ in words) or 1
    pace = (stretch.end - stretch.start) / total
    timed: list[Timed] = []
    at = stretch.start
    for text, _ in words:
        until = at + pace * len(text)
        timed.append(Timed(text, at, until))
        at = until
    return _merged(timed)


def aligned(result: Any, tokenizer: Any, tokens: Sequence[int]) -> list[Timed]:
    """Words with times from the model's own attention (`align`'s result for these tokens)."""
    words = _split(tokenizer, list(tokens))
    if not words or not result.alignments:
        return []
    places = np.array(result.alignments)
    begins = np.concatenate([[True], np.diff(places[:, 0]) > 0])
    times = (
        places[begins, 1] * SECONDS_A_STAMP
    )  # when each token begins; the last is the end of text
    timed: list[Timed] = []
    token = 0
    for text, count in words:
        following = min(token + count, len(times) - 1)
        confidence = float(np.mean(result.text_token_probs[token : token + count]))
        start = float(times[min(token, len(times) - 1)])
        timed.append(Timed(text, start, float(times[following]), confidence))
        token += count
    return _unstretched(_merged(timed))


def _split(tokenizer: Any, tokens: list[int]) -> list[tuple[str, int]]:
    """Words as written, each with its count of tokens."""
    texts, groups = tokenizer.split_to_word_tokens(tokens)
    return [(text, len(group)) for text, group in zip(texts, groups, strict=True)]


def _merged(words: list[Timed]) -> list[Timed]:
    """Punctuation joined to the word it belongs to."""
    merged: list[Timed] = []
    opening: Timed | None = None
    for word in words:
        mark = word.text.strip()
        if opening is not None:
            word = Timed(opening.text + word.text.lstrip(), word.start, word.end, word.confidence)  # noqa: PLW2901
            opening = None
        if mark and word.text.startswith(" ") and all(c in _BEFORE for c in mark):
            opening = word
        elif merged and mark and not word.text.startswith(" ") and all(c in _AFTER for c in mark):
            last = merged[-1]
            merged[-1] = Timed(last.text + word.text, last.start, last.end, last.confidence)
        elif mark:
            merged.append(word)
    if opening is not None:
        merged.append(opening)
    return merged


def _unstretched(words: list[Timed]) -> list[Timed]:
    """No word takes in the pause beside it: attention smears the first and the last one."""
    lengths = [word.end - word.start for word in words if word.end > word.start]
    if not lengths:
        return words
    most = min(_LONGEST_WORD_SECONDS, max(0.4, 4 * float(np.median(lengths))))
    mended = list(words)
    for place, word in enumerate(words):
        if word.end - word.start <= most:
            continue
        if place == 0:
            mended[place] = Timed(word.text, word.end - most, word.end, word.confidence)
        else:
            mended[place] = Timed(word.text, word.start, word.start + most, word.confidence)
    return mended


def to_words(timed: Sequence[Timed], offset: float = 0.0) -> tuple[Word, ...]:
    return tuple(
        Word(
            word.text.strip(),
            round(offset + word.start, 3),
            round(offset + word.end, 3),
            None if word.confidence is None else round(word.confidence, 4),
        )
        for word in timed
    )


def to_text(timed: Sequence[Timed]) -> str:
    """The text as the model wrote it; languages without spaces stay without."""
    return "".join(word.text for word in timed).strip()
