"""What calls of language models cost."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call cost, in tokens as the vendor counts them."""

    tokens_in: int = 0
    tokens_out: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out)
