"""Local agreement: what two successive hypotheses say alike is stable."""

from collections.abc import Sequence

from tertulia.speech.domain import Word
from tertulia.speech.repetition import plain

OVERLAP_WORDS = 5


class Agreement:
    """The words of one open utterance: `stable` ones, which stay, and `tail`, which may change."""

    def __init__(self) -> None:
        self.stable: list[Word] = []
        self.tail: tuple[Word, ...] = ()

    def hear(self, words: Sequence[Word], sure_until: float) -> None:
        """Takes a new hypothesis for everything after the stable words; words past `sure_until` never settle."""
        fresh = self._after_stable(words)
        settled = 0
        for old, new in zip(self.tail, fresh, strict=False):
            if plain(old.text) != plain(new.text) or new.end > sure_until:
                break
            settled += 1
        self.stable += fresh[:settled]
        self.tail = tuple(fresh[settled:])

    def settle_before(self, place: float) -> None:
        """Gives up hope of agreement on words that the window is about to leave behind."""
        leaving = [word for word in self.tail if word.end <= place]
        self.stable += leaving
        self.tail = self.tail[len(leaving) :]

    @property
    def words(self) -> tuple[Word, ...]:
        return (*self.stable, *self.tail)

    @property
    def stable_until(self) -> float | None:
        return self.stable[-1].end if self.stable else None

    def _after_stable(self, words: Sequence[Word]) -> list[Word]:
        """Leaves out what the window shares with the stable words: by time, then by wording."""
        if not self.stable:
            return list(words)
        until = self.stable[-1].end
        fresh = [word for word in words if (word.start + word.end) / 2 > until]
        for size in range(min(OVERLAP_WORDS, len(self.stable), len(fresh)), 0, -1):
            said = [plain(word.text) for word in self.stable[-size:]]
            if fresh[0].start - until < 1.0 and said == [plain(w.text) for w in fresh[:size]]:
                return fresh[size:]
        return fresh
