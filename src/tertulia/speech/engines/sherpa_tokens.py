"""sherpa-onnx's tokens to words: pieces of words with the time each begins."""

from collections.abc import Sequence, Set
from pathlib import Path

from tertulia.speech.domain import Word

_WORD_START = ("▁", " ")
_LONGEST_PIECE_SECONDS = 0.4
_NO_SPACES = frozenset(range(0x2E80, 0x9FFF)) | frozenset(range(0x0E00, 0x0EFF))


def words_of(
    tokens: Sequence[str], times: Sequence[float], offset: float, limit: float
) -> tuple[Word, ...]:
    """Words with times from `offset`; none ends after `limit`."""
    words: list[Word] = []
    for place, (token, begins) in enumerate(zip(tokens, times, strict=False)):
        if token.startswith("<") and token.endswith(">"):
            continue
        following = times[place + 1] if place + 1 < len(times) else begins + _LONGEST_PIECE_SECONDS
        end = min(offset + min(following, begins + _LONGEST_PIECE_SECONDS), limit)
        start = min(offset + begins, end)
        piece = token.lstrip("".join(_WORD_START))
        if not words or token.startswith(_WORD_START) or _stands_alone(piece):
            if piece:
                words.append(Word(piece, round(start, 3), round(end, 3)))
        else:
            last = words[-1]
            words[-1] = Word(last.text + piece, last.start, round(end, 3))
    return _readable(words)


def pieces_in(tokens: Path) -> frozenset[str]:
    """The pieces of words a model knows, from its tokens.txt."""
    lines = tokens.read_text(encoding="utf-8").splitlines()
    return frozenset(line.rsplit(maxsplit=1)[0] for line in lines if line.strip())


def hot_words_for(phrases: Sequence[str], pieces: Set[str]) -> str:
    """The phrases a model can spell, as sherpa-onnx takes them.

    Of one that it cannot spell it would drop all, and write them into its log.
    """
    spelt = []
    for phrase in phrases:
        words = phrase.replace("/", " ").replace(":", " ").split()
        forms = (words, [w.upper() for w in words], [w.lower() for w in words])
        fitting = [form for form in forms if form and all(_spelt(w, pieces) for w in form)]
        spelt += [" ".join(form) for form in fitting[:1]]
    return "/".join(spelt)


def _spelt(word: str, pieces: Set[str]) -> bool:
    """Whether the word can be put together from pieces."""
    text = "▁" + word
    reached = {0}
    for end in range(1, len(text) + 1):
        if any(text[start:end] in pieces for start in reached):
            reached.add(end)
    return len(text) in reached


def text_of(words: Sequence[Word]) -> str:
    """Words joined; those of languages without spaces are joined without."""
    text = ""
    for word in words:
        tight = not text or (_stands_alone(word.text) and _stands_alone(text[-1]))
        text += word.text if tight else " " + word.text
    return text


def _stands_alone(piece: str) -> bool:
    return bool(piece) and ord(piece[0]) in _NO_SPACES


def _readable(words: Sequence[Word]) -> tuple[Word, ...]:
    """Models trained on capitals alone shout; small letters read better."""
    if not any(word.text.upper() != word.text for word in words):
        return tuple(Word(word.text.lower(), word.start, word.end) for word in words)
    return tuple(words)
