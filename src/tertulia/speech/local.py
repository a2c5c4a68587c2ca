"""What a native engine promises inside the speech host: blocking calls on one worker thread.

The server never calls these; it talks to the host, which schedules them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tertulia.speech.domain import Capabilities, RecognitionOptions, Samples, Segment, Word

Progress = Callable[[float], None]
"""Called with the share of a file that is done, 0 to 1; raising inside it stops the work."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model made of one window; times in seconds from the window's start."""

    words: tuple[Word, ...]
    language: str | None = None
    confidence: float | None = None
    no_speech: float = 0.0
    """How sure the model is that nobody spoke, 0 to 1."""


@dataclass(frozen=True, slots=True)
class FileReading:
    """What a model made of a whole file."""

    segments: tuple[Segment, ...]
    language: str | None


@dataclass(frozen=True, slots=True)
class Window:
    """One stretch of audio to read for a live conversation.

    A quick window is a partial's: greedy, over a short encoder window. The other kind is read once, with
    the full window and the engine's best settings, and becomes confirmed text.
    """

    samples: Samples
    options: RecognitionOptions
    quick: bool
    context: str = ""
    """Confirmed text just before, for engines that can be primed with it."""
    hurried: bool = False
    """Of a quick one: others wait, so it may cost some accuracy to be quicker still."""


class LocalStream(Protocol):
    """A native streaming decoder for one utterance after another."""

    def accept(self, samples: Samples) -> None:
        """Feeds audio and decodes it."""
        ...

    def reading(self) -> Reading:
        """The best hypothesis of the utterance under way; times from the stream's start."""
        ...

    def ended(self) -> bool:
        """Whether the engine heard the utterance end."""
        ...

    def finish(self) -> Reading:
        """Reads what is left of the utterance, gives its last reading and begins a new utterance."""
        ...


class LocalModel(Protocol):
    """A loaded model. One model may serve several worker threads at once when `shareable`."""

    name: str
    capabilities: Capabilities
    shareable: bool

    def transcribe(
        self, samples: Samples, options: RecognitionOptions, progress: Progress | None = None
    ) -> FileReading:
        """Reads a whole file."""
        ...

    def read(self, windows: Sequence[Window]) -> list[Reading]:
        """Reads windows of different conversations, in one model call where the device gains by it."""
        ...

    def stream(self, options: RecognitionOptions) -> LocalStream | None:
        """A native streaming decoder, or None when the engine reads whole windows only."""
        ...
