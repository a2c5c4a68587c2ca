"""Whatever the network does to chunks, each is taken once and in order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tertulia.doors.live.errors import Code, LiveError
from tertulia.doors.live.window import WINDOW_BYTES, SequenceWindow

pytestmark = pytest.mark.unit


def sound(seq: int) -> bytes:
    return f"chunk {seq}".encode()


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[int, list[int]]:
    """Numbers 1 … n, each at least once, shifted by less than the window and repeated at will."""
    count = draw(st.integers(1, 60))
    places = [(seq + draw(st.floats(0, 7)), seq) for seq in range(1, count + 1)]
    for _ in range(draw(st.integers(0, 30))):
        seq = draw(st.integers(1, count))
        places.append((seq + draw(st.floats(0, 40)), seq))
    return count, [seq for _, seq in sorted(places)]


@given(deliveries())
@settings(max_examples=200, deadline=None)
def test_every_chunk_comes_out_once_and_in_order(delivery: tuple[int, list[int]]) -> None:
    count, numbers = delivery
    window = SequenceWindow(width=8)
    out = [chunk for seq in numbers for chunk in window.offer(seq, sound(seq))]
    assert out == [(seq, sound(seq)) for seq in range(1, count + 1)]
    assert window.received == count
    assert window.missing is None


@given(st.sets(st.integers(1, 40), min_size=1), st.integers(0, 20))
@settings(max_examples=200, deadline=None)
def test_what_is_missing_is_always_the_first_gap(numbers: set[int], received: int) -> None:
    window = SequenceWindow(received)
    for seq in sorted(numbers, reverse=True):
        if seq > received:
            window.offer(seq, sound(seq))
    there = {seq for seq in numbers if seq > received}
    reached = received
    while reached + 1 in there:
        reached += 1
    assert window.received == reached
    later = {seq for seq in there if seq > reached}
    assert window.missing == ((reached + 1, min(later) - 1) if later else None)


@pytest.mark.parametrize("seq", [0, -1, -(2**40)])
def test_numbers_begin_at_one(seq: int) -> None:
    with pytest.raises(LiveError) as refused:
        SequenceWindow().offer(seq, b"x")
    assert refused.value.code is Code.SEQUENCE_MISMATCH
    assert refused.value.detail["reason"] == "below_one"


def test_another_content_under_a_known_number_is_a_mistake() -> None:
    window = SequenceWindow()
    assert window.offer(1, b"first")
    assert not window.offer(3, b"third")
    for seq in (1, 3):
        with pytest.raises(LiveError) as refused:
            window.offer(seq, b"other")
        assert refused.value.detail["reason"] == "different_content"
    assert [payload for _, payload in window.offer(2, b"second")] == [b"second", b"third"]


def test_too_far_ahead_is_refused_and_changes_nothing() -> None:
    window = SequenceWindow(width=8)
    with pytest.raises(LiveError) as refused:
        window.offer(10, b"x")
    assert refused.value.detail["received_seq"] == 0
    assert window.waiting == 0


def test_what_waits_is_bounded_by_its_bytes() -> None:
    window = SequenceWindow()
    large = bytes(WINDOW_BYTES // 4)
    for seq in range(2, 6):
        window.offer(seq, large)
    with pytest.raises(LiveError):
        window.offer(6, b"xx")


def test_what_was_committed_before_a_takeover_is_dropped_silently() -> None:
    window = SequenceWindow(50)
    assert window.offer(20, b"unknown to this server") == ()
