"""Coroutines that are begun at once, as Python 3.12 does with eager tasks: most of them end without ever waiting."""

from collections.abc import Awaitable, Coroutine, Generator
from types import coroutine
from typing import Any


def begun(work: Coroutine[Any, Any, None]) -> Awaitable[None] | None:
    """Runs `work` up to its first wait; gives the rest of it, for a task to await, or None when it has ended."""
    try:
        waited_for = work.send(None)
    except StopIteration:
        return None
    return _rest(work, waited_for)


@coroutine
def _rest(work: Coroutine[Any, Any, None], waited_for: Any) -> Generator[Any, Any, None]:
    try:
        while True:
            try:
                value = yield waited_for
            except BaseException as error:  # noqa: BLE001 - whatever is thrown in belongs to the work
                waited_for = work.throw(error)
            else:
                waited_for = work.send(value)
    except StopIteration:
        return
