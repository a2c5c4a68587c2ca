"""The flight record: one page of memory both processes see, in which the host says what it is doing.

It outlives a crash, so that the server knows which audio was in the engine's hands; and since a hanging
engine may hold the interpreter's lock, the server alone can tell that a call takes too long.
"""

import mmap
import os
import struct
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

BEAT = struct.Struct("<d")
SLOT = struct.Struct("<ddI16Q")
"""When the call began, how long it may take, how many streams or files it serves, and which."""
SIZE_BYTES = 16 * mmap.PAGESIZE
LARGEST_BATCH = 16
SLOTS = min(256, (SIZE_BYTES - 64) // SLOT.size)


@dataclass(frozen=True, slots=True)
class Flight:
    """One call under way."""

    began: float
    limit_seconds: float
    ids: tuple[int, ...]

    def overdue(self, now: float) -> bool:
        return now - self.began > self.limit_seconds


class FlightRecord:
    """Slots, one a worker, and a heartbeat; times are of the machine's monotonic clock."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._page = mmap.mmap(descriptor, SIZE_BYTES)

    @classmethod
    def create(cls) -> "FlightRecord":
        with tempfile.TemporaryFile() as file:
            file.truncate(SIZE_BYTES)
            return cls(os.dup(file.fileno()))

    def close(self) -> None:
        self._page.close()
        os.close(self.descriptor)

    def beat(self) -> None:
        BEAT.pack_into(self._page, 0, time.monotonic())

    @property
    def beaten(self) -> float:
        """When the host last showed a sign of life; 0 before the first."""
        return float(BEAT.unpack_from(self._page, 0)[0])

    def begin(self, slot: int, ids: Sequence[int], limit_seconds: float) -> None:
        padded = (*ids, *([0] * (LARGEST_BATCH - len(ids))))
        SLOT.pack_into(
            self._page, self._at(slot), time.monotonic(), limit_seconds, len(ids), *padded
        )

    def end(self, slot: int) -> None:
        SLOT.pack_into(self._page, self._at(slot), 0.0, 0.0, 0, *([0] * LARGEST_BATCH))

    def flights(self) -> list[Flight]:
        found = []
        for slot in range(SLOTS):
            began, limit, count, *ids = SLOT.unpack_from(self._page, self._at(slot))
            if count:
                found.append(Flight(began, limit, tuple(ids[: min(count, LARGEST_BATCH)])))
        return found

    @staticmethod
    def _at(slot: int) -> int:
        return 64 + slot * SLOT.size
