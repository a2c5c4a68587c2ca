"""Ids, pages, errors and the clock that can be held."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia.kernel.clock import HeldClock
from tertulia.kernel.errors import InvalidRequestError, RateLimitedError, UnavailableError
from tertulia.kernel.ids import new_id, new_secret, secret_hash
from tertulia.kernel.pages import Position, cut

pytestmark = pytest.mark.unit


def test_ids_grow_with_time() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 1000
    assert ids[0].version == 7


def test_secrets_differ_and_are_stored_as_hashes() -> None:
    first, second = new_secret("tk"), new_secret("tk")
    assert first != second
    assert first.startswith("tk_")
    assert len(secret_hash(first)) == 32
    assert secret_hash(first) == secret_hash(first) != secret_hash(second)


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_cursor_comes_back_as_it_went(at: datetime, id_) -> None:  # type: ignore[no-untyped-def]
    position = Position(at, id_)
    assert Position.parse(position.cursor()) == position


@given(st.text(max_size=60))
def test_a_foreign_cursor_is_refused_with_words(text: str) -> None:
    try:
        parsed = Position.parse(text)
    except InvalidRequestError as error:
        assert "Leave it out" in error.detail
    else:
        assert parsed is None or isinstance(parsed, Position)


def test_a_page_is_cut_where_the_next_one_starts() -> None:
    assert cut([1, 2, 3], 2) == ([1, 2], 2)
    assert cut([1, 2], 2) == ([1, 2], None)
    assert cut([], 2) == ([], None)


def test_an_error_is_a_problem_document() -> None:
    problem = RateLimitedError("Wait.", retry="soon").problem("abc")
    assert problem["status"] == 429
    assert problem["code"] == "rate_limited"
    assert problem["retry"] == "soon"
    assert problem["correlation_id"] == "abc"
    assert UnavailableError(retry_after_seconds=7).headers == {"Retry-After": "7"}


async def test_a_held_clock_wakes_sleepers_in_order() -> None:
    clock = HeldClock()
    woken: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(f"{name}@{clock.monotonic():g}")

    tasks = [
        asyncio.create_task(sleeper(n, s)) for n, s in (("late", 5), ("early", 1), ("never", 99))
    ]
    before = clock.now()
    await clock.advance(10)
    assert woken == ["early@1", "late@5"]
    assert (clock.now() - before).total_seconds() == 10
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
