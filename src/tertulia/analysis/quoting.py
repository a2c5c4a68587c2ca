"""Whether words were really said: quotations are compared by their words alone."""

import re
from bisect import bisect_right

FEWEST_CHARACTERS = 4
LONGEST_QUOTE = 600
_WORD = re.compile(r"\w+")
_GAP = re.compile(r"…|\.\.\.|\[\.\.\.\]")


def found_in(text: str, quote: str) -> str | None:
    """The quotation as it stands in the text; of one with gaps every part has to be there."""
    quote = quote[:LONGEST_QUOTE].strip()
    parts = [part for part in _GAP.split(quote) if _WORD.search(part)]
    if not parts or sum(len(w) for p in parts for w in _WORD.findall(p)) < FEWEST_CHARACTERS:
        # "Yes." proves something only as a whole segment
        return text.strip() if parts and _plain(text) == _plain(quote) else None
    places = [_place(text, part) for part in parts]
    if any(place is None for place in places):
        return None
    known = [place for place in places if place is not None]
    start, end = min(a for a, _ in known), max(b for _, b in known)
    return text[start : min(end, start + LONGEST_QUOTE)]


def _place(text: str, quote: str) -> tuple[int, int] | None:
    """Where the words of the quotation stand in the text, whatever lies between them."""
    spans = [m.span() for m in _WORD.finditer(text)]
    said = [_folded(text[a:b]) for a, b in spans]
    asked = [_folded(word) for word in _WORD.findall(quote)]
    joined = " ".join(said)
    at = f" {joined} ".find(f" {' '.join(asked)} ")
    if at < 0:
        return None
    starts = [0]
    for word in said[:-1]:
        starts.append(starts[-1] + len(word) + 1)
    first = bisect_right(starts, at) - 1
    return spans[first][0], spans[first + len(asked) - 1][1]


def _plain(text: str) -> str:
    return " ".join(_folded(word) for word in _WORD.findall(text))


def _folded(word: str) -> str:
    return word.casefold().replace("ё", "е")
