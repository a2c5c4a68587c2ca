"""Places in a transcript, as clients carry them from page to page."""

import base64
import binascii
import json
import math
from dataclasses import dataclass

from tertulia.kernel.errors import InvalidRequestError


@dataclass(frozen=True, slots=True)
class SegmentPosition:
    """The segment after which the next page begins."""

    start: float
    utterance_id: str

    @property
    def place(self) -> tuple[float, str]:
        return (self.start, self.utterance_id)

    def cursor(self) -> str:
        text = json.dumps([self.start, self.utterance_id])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, cursor: str | None) -> "SegmentPosition | None":
        """Reads a cursor; one that was not made here is refused."""
        if not cursor:
            return None
        try:
            start, utterance_id = json.loads(
                base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            )
            position = cls(float(start), str(utterance_id))
            usable = math.isfinite(position.start) and position.utterance_id.isprintable()
        except (ValueError, TypeError, binascii.Error):
            usable = False
        if not usable:
            raise InvalidRequestError(
                "The cursor is not one this server made. Leave it out to start from the first page."
            )
        return position
