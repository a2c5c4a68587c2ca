"""Chunks that the server may ask for again."""

from collections import deque

FIRST_SEQ = 1


class ChunkBuffer:
    """Every chunk past what is committed, by its number."""

    def __init__(self, most_bytes: int) -> None:
        self._chunks: deque[bytes] = deque()
        self._most_bytes = most_bytes
        self._bytes = 0
        self.first = FIRST_SEQ
        """The number of the oldest chunk that is kept, or of the next one."""

    @property
    def next(self) -> int:
        """The number the next chunk gets."""
        return self.first + len(self._chunks)

    @property
    def is_full(self) -> bool:
        return self._bytes >= self._most_bytes

    def __len__(self) -> int:
        return len(self._chunks)

    def add(self, chunk: bytes) -> int:
        """Keeps a chunk and gives its number."""
        self._chunks.append(chunk)
        self._bytes += len(chunk)
        return self.next - 1

    def get(self, seq: int) -> bytes | None:
        place = seq - self.first
        return self._chunks[place] if 0 <= place < len(self._chunks) else None

    def committed(self, seq: int) -> None:
        """Forgets what is durable."""
        while self._chunks and self.first <= seq:
            self._bytes -= len(self._chunks.popleft())
            self.first += 1

    def renumber(self, first: int) -> None:
        """A new epoch: what is kept goes on from another number."""
        self.first = first
