"""Sentences of a text that is still being written, each given out as soon as it is whole."""

import re

from tertulia.bots.speaking.wording import wording_of

FENCE = "```"
FIRST_CLAUSE = 60
"""Characters after which the first sentence may end at a comma already: somebody waits for the first sound."""
LONGEST = 260
"""Characters after which a sentence is cut where it must be."""

_END = re.compile(r"(?:[.!?…]+[\"'»”’)\]*_]*(?=\s)|[。！？]|\n)")
_COMMA = re.compile(r"[,;:—–](?=\s)")
_LISTED = re.compile(r"(?:^|\n)\s*\d{1,3}[.)]$")
_OPEN_LINK = re.compile(r"!?\[[^\]\n]{0,300}(?:\](?:\([^)\s]{0,2000})?)?$")


class SentenceCutter:
    """Takes a text in pieces and gives sentences; together they are the text."""

    def __init__(self, language: str | None = None) -> None:
        wording = wording_of(language)
        self._ending = wording.ending if wording else re.compile(r"\b[^\W\d_]\.$")
        self._held = ""
        self._given = 0

    def feed(self, text: str) -> list[str]:
        """The sentences that are whole now."""
        self._held += text
        found: list[str] = []
        while (end := self._end()) is not None:
            sentence, self._held = self._held[:end], self._held[end:]
            if sentence.strip():
                found.append(sentence.strip())
                self._given += 1
        return found

    def finish(self) -> list[str]:
        """What is left at the end."""
        rest, self._held = self._held.strip(), ""
        return [rest] if rest else []

    def _end(self) -> int | None:
        """Where the first whole sentence of what is held ends."""
        held = self._held
        if held.lstrip().startswith(FENCE):
            return self._after_fence(held)
        fence = held.find(FENCE)
        limit = fence if fence >= 0 else len(held)
        for match in _END.finditer(held, 0, limit):
            before = held[: match.end()].rstrip("\n")
            if self._whole(before) or match[0] == "\n":
                return match.end()
        if fence > 0 and held[:fence].strip():
            return fence
        return self._early(held[:limit])

    def _whole(self, before: str) -> bool:
        """Whether a sentence ends here: not at an abbreviation, a number of a list, or inside a link."""
        return not (
            self._ending.search(before) or _LISTED.search(before) or _OPEN_LINK.search(before)
        )

    def _after_fence(self, held: str) -> int | None:
        start = held.index(FENCE)
        end = held.find(FENCE, start + len(FENCE))
        return end + len(FENCE) if end >= 0 else None

    def _early(self, held: str) -> int | None:
        longest = FIRST_CLAUSE if self._given == 0 else LONGEST
        if len(held) <= longest:
            return None
        for match in _COMMA.finditer(held, longest // 2):
            if not _OPEN_LINK.search(held[: match.end()]):
                return match.end()
        if len(held) > LONGEST:
            space = held.rfind(" ", 0, LONGEST)
            return space if space > 0 else LONGEST
        return None
