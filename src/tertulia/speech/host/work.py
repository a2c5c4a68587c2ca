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
    """What a session waits for; times are monotonic seconds."""

    kind: Kind
    final: bool
    since: float
    """When the audio that waits came in."""
    paced_from: float
    """From when its pace is counted: for a partial, no earlier than the last one was read."""


class Arrivals:
    """When each sample of a stream came in."""

    def __init__(self) -> None:
        self._marks: deque[tuple[int, float]] = deque()

    def add(self, end: int, now: float) -> None:
        self._marks.append((end, now))

    def of(self, place: int) -> float:
        """When the sample at `place` came in."""
        for end, arrived in self._marks:
            if end > place:
                return arrived
        return self._marks[-1][1] if self._marks else 0.0

    def forget_before(self, place: int) -> None:
        while len(self._marks) > 1 and self._marks[0][0] <= place:
            self._marks.popleft()


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
        self._partial_at = 0.0
        self._running: set[bool] = set()
        """Whether a final, a partial or both are being read; what streams takes one call at a time."""
        self.cancelled = False
        self._hear = hear
        self._arrivals = Arrivals()

    def feed(self, samples: Samples, now: float) -> None:
        self._arrivals.add(self.decoder.received + len(samples), now)
        self._tell(self.decoder.feed(samples), None)
        self._arrivals.forget_before(self.decoder.kept_from)

    def finish(self) -> None:
        self._tell(self.decoder.finish(), None)

    def needs(self) -> list[Need]:
        """What it waits for and no worker is at."""
        streaming = self.stream is not None
        if streaming and self._running:
            return []
        found = []
        final, partial = self.decoder.final_since, self.decoder.partial_since
        if final is not None and True not in self._running:
            since = self._arrivals.of(final)
            # After the last audio somebody waits for the end; there is nothing to come that could share a window.
            paced_from = 0.0 if self.decoder.finishing else since
            found.append(Need(Kind.FEED if streaming else Kind.FULL, True, since, paced_from))
        ending = final is not None and self.decoder.finishing
        if partial is not None and False not in self._running and not (ending and streaming):
            since = self._arrivals.of(partial)
            kind = Kind.FEED if streaming else Kind.QUICK
            found.append(Need(kind, False, since, max(since, self._partial_at)))
        return found

    @property
    def settling(self) -> bool:
        """Whether a final of it is being read."""
        return True in self._running

    @property
    def alone(self) -> bool:
        """Whether its next call must run with nothing beside it, because such audio has ended a host before."""
        since = self.decoder.final_since
        since = self.decoder.partial_since if since is None else since
        return since is not None and since < self._alone_until

    @property
    def speaking(self) -> bool:
        return self.decoder.speaking

    def take(self, need: Need, now: float, *, hurried: bool) -> ReadRequest | FeedRequest:
        """The request that answers `need`; `hurried` lets closed utterances share a window, and partials be rougher."""
        self._running.add(need.final)
        if not need.final:
            self._partial_at = now
        decoder = self.decoder
        if isinstance(decoder, WindowDecoder):
            if need.final:
                return decoder.final_request(together=hurried)
            return decoder.partial_request(hurried=hurried)
        assert isinstance(decoder, StreamDecoder)
        return decoder.final_request() if need.final else decoder.partial_request()

    def accept(self, request: object, answer: object, processing_seconds: float) -> None:
        """Takes the engine's answer to what `take` gave."""
        self._running.discard(self._is_final(request))
        if not self.cancelled:
            heard = self.decoder.accept(request, answer)  # type: ignore[attr-defined]
            self._tell(heard, processing_seconds)
        self._arrivals.forget_before(self.decoder.kept_from)

    @staticmethod
    def _is_final(request: object) -> bool:
        if isinstance(request, ReadRequest):
            return not request.window.quick
        assert isinstance(request, FeedRequest)
        return request.closes

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
