"""Chunks by their number: each taken once, in order, whatever the network does to them."""

from collections.abc import Sequence

from tertulia.doors.live.errors import Code, LiveError

WINDOW_CHUNKS = 256
"""How far past the first missing chunk others are kept."""
WINDOW_BYTES = 8 * 1_048_576
REMEMBERED = 512
"""Chunks whose content is still known, to tell a repeat from a mistake."""

Chunk = tuple[int, bytes]
_NOTHING: tuple[Chunk, ...] = ()


class SequenceWindow:
    """Takes chunks as they come and gives them back in order."""

    __slots__ = ("_held", "_held_bytes", "_prints", "_width", "received")

    def __init__(self, received: int = 0, *, width: int = WINDOW_CHUNKS) -> None:
        self.received = received
        """Everything up to this number has been given back."""
        self._width = width
        self._held: dict[int, bytes] = {}
        self._held_bytes = 0
        # only ever compared within this process, so its salted hash is enough
        self._prints: dict[int, int] = {}

    @property
    def waiting(self) -> int:
        """How many chunks wait for an earlier one."""
        return len(self._held)

    @property
    def missing(self) -> tuple[int, int] | None:
        """The first and the last number that is needed before those that wait."""
        if not self._held:
            return None
        return self.received + 1, min(self._held) - 1

    def offer(self, seq: int, payload: bytes) -> Sequence[Chunk]:
        """The chunks that are next in order now; none when it is a repeat or has to wait."""
        if seq == self.received + 1:
            self.took(seq, payload)
            if not self._held:
                return ((seq, payload),)
            return [(seq, payload), *self._next()]
        if seq <= self.received or seq in self._held:
            self._compare(seq, payload)
            return _NOTHING
        if seq > self.received + self._width or self._held_bytes + len(payload) > WINDOW_BYTES:
            raise LiveError(
                Code.SEQUENCE_MISMATCH,
                f"Chunk {self.received + 1} is missing. Send from it on.",
                reason="too_far_ahead",
                sequence_number=seq,
                received_seq=self.received,
            )
        self._held[seq] = payload
        self._held_bytes += len(payload)
        return _NOTHING

    def took(self, seq: int, payload: bytes | memoryview) -> None:
        """The next chunk has been taken."""
        self._remember(seq, payload)
        self.received = seq

    def _next(self) -> list[Chunk]:
        ready: list[Chunk] = []
        while (payload := self._held.pop(self.received + 1, None)) is not None:
            self.received += 1
            self._held_bytes -= len(payload)
            self._remember(self.received, payload)
            ready.append((self.received, payload))
        return ready

    def _remember(self, seq: int, payload: bytes | memoryview) -> None:
        self._prints[seq] = hash(payload)
        self._prints.pop(seq - REMEMBERED, None)

    def _compare(self, seq: int, payload: bytes) -> None:
        if seq < 1:
            raise LiveError(
                Code.SEQUENCE_MISMATCH,
                "Chunks are numbered from 1.",
                reason="below_one",
                sequence_number=seq,
                received_seq=self.received,
            )
        held = self._held.get(seq)
        known = self._prints.get(seq) if held is None else hash(held)
        if known is not None and known != hash(payload):
            raise LiveError(
                Code.SEQUENCE_MISMATCH,
                f"Chunk {seq} came before with another content; the first one stays.",
                reason="different_content",
                sequence_number=seq,
                received_seq=self.received,
            )
