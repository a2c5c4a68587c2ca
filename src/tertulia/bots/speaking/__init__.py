"""Text as it is spoken: sentences found while it is still being written, and nothing read that is only for the eye."""

from tertulia.bots.speaking.sentences import SentenceCutter
from tertulia.bots.speaking.speakable import speakable

__all__ = ["SentenceCutter", "speakable"]
