"""What the host works on: live sessions and files. Each says what it needs next and takes the answer."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from tertulia.speech.domain import Hypothesis, Samples
from tertulia.speech.host.capacity import Kind
from tertulia.speech.host.files import FileReader, FileWindow
from tertulia.speech.host.models import LoadedModel
from tertulia.speech.live import (
    FeedRequest,
    LiveDecoder,
    ReadRequest,
    StreamDecoder,
    WindowDecoder,
)
from tertulia.speech.local import LocalStream

Hear = Callable[[list[Hypothesis]], None]


@dataclass(frozen=True, slots=True)
class Need:
    """What a session waits for, and since when (monotonic seconds)."""

    kind: Kind
    since: float
    cadence_from: float
    """Since when the cadence runs: no earlier than the last partial was read."""


class Arrivals:
    """When each sample of a stream came in."""

    def __init__(self) -> None:
        self._marks: deque[tuple[int, float]] = deque()

    def add(self, end: int, now: float) -> None:
        self._marks.append((end, now))

    def of(self, place: int) -> float:
        """When the sample at `place` came in; earlier marks are forgotten. Places never go back."""
        while len(self._marks) > 1 and self._marks[0][0] <= place:
            self._marks.popleft()
        return self._marks[0][1] if self._marks else 0.0


class LiveSession:
    """One live stream in the host."""

    def __init__(
        self,
        number: int,
        model: LoadedModel,
        decoder: LiveDecoder,
        stream: LocalStream | None,
        hear: Hear,
        *,
        alone_until: int = 0,
    ) -> None:
        self.number = number
        self.model = model
        self.decoder = decoder
        self.stream = stream
        self._alone_until = alone_until
        self._quick_at = 0.0
        self.running = False
        self.cancelled = False
        self._hear = hear
        self._arrivals = Arrivals()

    def feed(self, samples: Samples, now: float) -> None:
        self._arrivals.add(self.decoder.received + len(samples), now)
        self._tell(self.decoder.feed(samples), None)

    def finish(self) -> None:
        self._tell(self.decoder.finish(), None)

    def need(self) -> Need | None:
        """What it waits for, or None while a call of it runs."""
        if self.running:
            return None
        due = self.decoder.due()
        if due is None:
            return None
        arrived = self._arrivals.of(due.since)
        if self.stream is not None:
            return Need(Kind.FEED, arrived, arrived)
        kind = Kind.FULL if due.final else Kind.QUICK
        return Need(kind, arrived, max(arrived, self._quick_at))

    @property
    def urgent(self) -> bool:
        """Whether a final hangs on its next call, so that it need not wait for the cadence."""
        due = self.decoder.due()
        return due is not None and due.final

    @property
    def alone(self) -> bool:
        """Whether its next call must run with nothing beside it, because such audio has ended a host before."""
        due = self.decoder.due()
        return due is not None and due.since < self._alone_until

    @property
    def speaking(self) -> bool:
        return self.decoder.speaking

    def take(self, now: float) -> ReadRequest | FeedRequest:
        assert isinstance(self.decoder, WindowDecoder | StreamDecoder)
        request = self.decoder.next_request()
        assert request is not None
        self.running = True
        if isinstance(request, ReadRequest) and request.window.quick:
            self._quick_at = now
        return request

    def accept(self, request: object, answer: object, processing_seconds: float) -> None:
        """Takes the engine's answer to what `take` gave."""
        self.running = False
        if not self.cancelled:
            heard = self.decoder.accept(request, answer)  # type: ignore[attr-defined]
            self._tell(heard, processing_seconds)

    def _tell(self, heard: list[Hypothesis], processing_seconds: float | None) -> None:
        if processing_seconds is not None:
            spent = round(processing_seconds * 1000)
            heard = [replace(hypothesis, processing_ms=spent) for hypothesis in heard]
        if heard:
            self._hear(heard)


class FileJob:
    """One file in the host."""

    def __init__(
        self,
        number: int,
        model: LoadedModel,
        reader: FileReader,
        now: float,
        *,
        alone: bool = False,
    ) -> None:
        self.number = number
        self.model = model
        self.reader = reader
        self.since = now
        self.alone = alone
        self.running = 0
        self.cancelled = False
        self.served_at = now

    @property
    def ready(self) -> bool:
        return not self.cancelled and self.reader.ready and not (self.alone and self.running)

    def take(self, now: float) -> FileWindow:
        self.running += 1
        self.served_at = now
        return self.reader.take()
