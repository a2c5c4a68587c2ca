"""What is done to the words of a reading before anybody sees them."""

from collections.abc import Sequence

from tertulia.speech.domain import Word
from tertulia.speech.local import Reading

UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue", "km", "bo"})
"""Languages written without spaces between words."""

SURE_OF_SILENCE = 0.8
UNSURE = 0.35


def join(words: Sequence[Word], language: str | None) -> str:
    """The words as text, their punctuation kept."""
    gap = "" if (language or "").split("-")[0] in UNSPACED else " "
    return gap.join(word.text.strip() for word in words if word.text.strip())


def invented(reading: Reading) -> bool:
    """Whether the model itself says that nobody spoke, and is not sure of its words either."""
    confidence = reading.confidence if reading.confidence is not None else 0.0
    return reading.no_speech >= SURE_OF_SILENCE and confidence < UNSURE
