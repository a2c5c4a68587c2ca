"""Numbers as they are said: `twenty five`, `doscientos cuarenta y dos`, `сто пять`."""

from collections.abc import Sequence

from tertulia.bots.script.vocabulary import Token, Words


def number_at(
    said: Sequence[Token], place: int, words: Words, *, one_word: bool = False
) -> tuple[int, int]:
    """The number that begins at a word, and how many words it takes; (0, 0) where none begins.

    With `one_word` only what cannot be apart is one number, as in a telephone's: `twenty five`, `девятьсот один`.
    """
    joins = {phrase[0] for phrase in words.phrases["join"]}
    total = group = used = 0
    last = 10**9
    at = place
    while at < len(said):
        word = said[at].word
        if word.isdigit():
            return (int(word), 1) if not used else (total + group, used)
        value = words.numbers.get(word)
        if value is None:
            follows = at + 1 < len(said) and said[at + 1].word in words.numbers
            if not used or word not in joins or not follows or (one_word and last >= 100):
                break
            if not _continues(
                words.numbers[said[at + 1].word], last, one_word=one_word, begun=True
            ):
                break
            at += 1
            continue
        if not _continues(value, last, one_word=one_word, begun=used > 0):
            break
        total, group = _added(total, group, value)
        last = value
        used = at - place + 1
        at += 1
    return (total + group, used) if used else (0, 0)


def _continues(value: int, last: int, *, one_word: bool, begun: bool) -> bool:
    """Whether a number word belongs to the number that is being said."""
    if not begun:
        return True
    if one_word:
        return (last >= 200 and value < 100) or (
            20 <= last < 100 and last % 10 == 0 and 0 < value < 10
        )
    if value in (100, 1000):
        return last < value
    if last >= 100:
        return value < last
    return 20 <= last < 100 and last % 10 == 0 and 0 < value < 10


def _added(total: int, group: int, value: int) -> tuple[int, int]:
    """`two hundred` multiplies, `ciento dos` adds, a thousand closes what came before."""
    if value == 1000:
        return (total + max(group, 1) * 1000, 0)
    if value == 100 and 0 < group < 10:
        return total, group * 100
    return total, group + value
