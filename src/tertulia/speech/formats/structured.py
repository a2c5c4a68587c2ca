"""JSON for programs: what is known of the recording, its whole text, and a segment a line."""

import json
from collections.abc import Iterable, Sequence
from json.encoder import encode_basestring

from tertulia.speech.domain import Word
from tertulia.speech.formats.lines import About, Line, clean


class Json:
    """The whole text stands before the segments, so they are gone through twice."""

    twice = True

    def __init__(self) -> None:
        self._texts = self._segments = 0

    def head(self, about: About) -> bytes:
        known = {
            "language": about.language,
            "duration_seconds": about.duration_seconds,
            "provider": about.provider,
            "elapsed_ms": about.elapsed_ms,
        }
        head = json.dumps(known, ensure_ascii=False, indent=2).removesuffix("\n}")
        return f'{head},\n  "text": "'.encode()

    def before(self, lines: Iterable[Line]) -> bytes:
        texts = [said for line in lines if (said := clean(line[0]))]
        together = encode_basestring(" ".join(texts))[1:-1]
        apart = " " if self._texts and texts else ""
        self._texts += len(texts)
        return f"{apart}{together}".encode()

    def part(self, lines: Iterable[Line]) -> bytes:
        # a segment a line: to be read and compared, at a tenth of the cost of a fully indented document
        made = [_segment(said, line) for line in lines if (said := clean(line[0]))]
        if not made:
            return b""
        apart = ",\n    " if self._segments else '",\n  "segments": [\n    '
        self._segments += len(made)
        return (apart + ",\n    ".join(made)).encode()

    def tail(self) -> bytes:
        return b"\n  ]\n}\n" if self._segments else b'",\n  "segments": []\n}\n'


def _segment(said: str, line: Line) -> str:
    """What is not known of it is left out."""
    _, start, end, words, language, confidence, speaker, channel = line
    known = f'{{"start": {float(start)!r}, "end": {float(end)!r}, "text": {encode_basestring(said)}'
    if speaker is not None:
        known += f', "speaker": {encode_basestring(speaker)}'
    if channel is not None:
        known += f', "channel": {channel}'
    if language is not None:
        known += f', "language": {encode_basestring(language)}'
    if confidence is not None:
        known += f', "confidence": {float(confidence)!r}'
    if words:
        known += f', "words": [{_words(words)}]'
    return known + "}"


def _words(words: Sequence[Word]) -> str:
    return ", ".join(
        f'{{"text": {encode_basestring(clean(w.text))}, "start": {float(w.start)!r}, "end": {float(w.end)!r}'
        + ("}" if w.confidence is None else f', "confidence": {float(w.confidence)!r}}}')
        for w in words
    )
