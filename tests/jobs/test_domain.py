"""Waits between tries."""

import pytest

from tertulia.jobs import Retry

pytestmark = pytest.mark.unit


def test_waits_grow_up_to_the_cap_and_end() -> None:
    retry = Retry(attempts=6, first_seconds=2, factor=3, cap_seconds=30, jitter=0)
    assert [retry.wait_seconds(n, 0.5) for n in range(1, 7)] == [2, 6, 18, 30, 30, None]


def test_jitter_spreads_to_both_sides() -> None:
    retry = Retry(first_seconds=10, factor=1, jitter=0.2)
    assert retry.wait_seconds(1, 0.0) == pytest.approx(8)
    assert retry.wait_seconds(1, 0.5) == pytest.approx(10)
    assert retry.wait_seconds(1, 1.0) == pytest.approx(12)


def test_given_waits_are_followed() -> None:
    retry = Retry.after(5, 300, jitter=0)
    assert retry.attempts == 3
    assert [retry.wait_seconds(n, 0.5) for n in (1, 2, 3)] == [5, 300, None]


def test_a_great_number_of_tries_does_not_overflow() -> None:
    assert Retry(attempts=10_000, jitter=0).wait_seconds(9_999, 0.5) == 3600
