"""What a person or a program sees while recordings are transcribed."""

from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tertulia.cli.recordings import Order
from tertulia.cli.terminal import Terminal
from tertulia.kernel.errors import TertuliaError
from tertulia.speech.service import Transcribed


class JsonLines:
    """One line of JSON a recording on standard output."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Every line is out already."""

    def began(self, order: Order) -> None:
        """Programs are told of ends only."""

    def progressed(self, order: Order, share: float) -> None:
        """The same."""

    def skipped(self, order: Order) -> None:
        self._line(order, "skipped")

    def done(self, order: Order, read: Transcribed, elapsed_ms: int) -> None:
        text = read.recognition
        more: dict[str, Any] = {
            "engine": text.provider,
            "language": text.language,
            "duration_seconds": round(text.duration_seconds, 3),
            "elapsed_ms": elapsed_ms,
            "truncated": read.info.truncated,
            "quality": round(read.info.quality, 3),
        }
        if order.output is None:
            more["text"] = text.text
            more["segments"] = [asdict(segment) for segment in text.segments]
        self._line(order, "done", **more)

    def failed(self, order: Order, error: TertuliaError) -> None:
        self._line(order, "failed", error=error.problem())

    def _line(self, order: Order, status: str, **more: Any) -> None:
        base = {"file": str(order.recording.path), "status": status, "output": order.output}
        self._terminal.json({**base, **more})


class Bars:
    """A bar for all recordings, and one for each that is being read; everything on standard error."""

    def __init__(self, terminal: Terminal, total: int) -> None:
        self._terminal = terminal
        self._many = total > 1
        self._skipped = 0
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn() if self._many else TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=terminal.err,
            transient=True,
            disable=not terminal.err.is_terminal,
        )
        self._all = self._bars.add_task("All recordings", total=total, visible=self._many)
        self._each: dict[int, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def began(self, order: Order) -> None:
        name = order.recording.place.name
        self._each[id(order)] = self._bars.add_task(name, total=1.0)

    def progressed(self, order: Order, share: float) -> None:
        self._bars.update(self._each[id(order)], completed=share)

    def skipped(self, order: Order) -> None:
        self._bars.advance(self._all)

    def done(self, order: Order, read: Transcribed, elapsed_ms: int) -> None:
        self._ended(order)
        if order.output is not None:
            self._terminal.err.print(f"{order.recording.path} → {order.output}", markup=False)
        if read.info.truncated:
            text = f"{order.recording.path} is cut short or damaged; what could be read is there."
            self._terminal.err.print(text, style="yellow", markup=False)

    def failed(self, order: Order, error: TertuliaError) -> None:
        self._ended(order)
        self._terminal.err.print(
            f"[red]✗[/red] {_plain(order.recording.path)}: {_plain(error.detail)}"
        )

    def _ended(self, order: Order) -> None:
        self._bars.remove_task(self._each.pop(id(order)))
        self._bars.advance(self._all)


def _plain(value: object) -> str:
    """Text whose brackets are not markup."""
    return str(value).replace("[", r"\[")
