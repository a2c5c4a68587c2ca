"""Topics, order, and what a slow reader finds."""

from datetime import UTC, datetime

import pytest

from tertulia.events import MISSED, Event, Subscription
from tertulia.events.domain import Topics
from tertulia.events.hub import Hub
from tertulia.events.transport import decode, encode
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.ids import new_id

pytestmark = pytest.mark.unit


def event(topic: str = "a", number: int = 0) -> Event:
    return Event(topic, "test", {"n": number}, datetime(2026, 1, 1, tzinfo=UTC), new_id())


async def read(subscription: Subscription, count: int) -> list[Event]:
    return [await anext(subscription) for _ in range(count)]


@pytest.mark.parametrize(
    ("pattern", "topic", "matches"),
    [
        ("space:1", "space:1", True),
        ("space:1", "space:12", False),
        ("space:*", "space:12", True),
        ("space:*", "thread:12", False),
        ("*", "anything", True),
        ("a*c", "abbbc", True),
        ("odd[1]*", "odd[1]x", True),
        ("odd[1]*", "odd1x", False),
        ("what?*", "whatsx", False),
    ],
)
def test_topics(pattern: str, topic: str, matches: bool) -> None:
    assert Topics.of(pattern).match(topic) is matches


async def test_each_subscription_gets_its_topics_once_and_in_order() -> None:
    hub = Hub(HeldClock())
    plain = hub.add(Topics.of("a", "b"), 10)
    patterned = hub.add(Topics.of("a", "a*"), 10)
    for number in range(3):
        hub.deliver(event("a", number))
    hub.deliver(event("other"))
    hub.deliver(event("b", 3))
    hub.close()
    assert [e.data["n"] async for e in plain] == [0, 1, 2, 3]
    assert [e.data["n"] async for e in patterned] == [0, 1, 2]


async def test_a_slow_reader_is_told_where_events_are_missing() -> None:
    hub = Hub(HeldClock())
    subscription = hub.add(Topics.of("a"), 2)
    for number in range(5):
        hub.deliver(event("a", number))
    found = await read(subscription, 3)
    assert [e.data.get("n") for e in found[:2]] == [0, 1]
    assert found[2].type == MISSED
    assert found[2].data == {"reason": "slow", "count": 3}
    hub.deliver(event("a", 5))
    assert (await anext(subscription)).data == {"n": 5}


async def test_what_waits_never_outgrows_its_bound() -> None:
    hub = Hub(HeldClock())
    subscription = hub.add(Topics.of("a"), 4)
    for number in range(1_000):
        hub.deliver(event("a", number))
        if number % 100 == 99:
            hub.gap()
    hub.close()
    found = [e async for e in subscription]
    assert len(found) <= 5
    assert sum(e.is_missed for e in found) == 1


async def test_gaps_that_touch_become_one_of_unknown_size() -> None:
    hub = Hub(HeldClock())
    subscription = hub.add(Topics.of("a"), 1)
    hub.deliver(event())
    hub.deliver(event())
    hub.gap()
    _, gap = await read(subscription, 2)
    assert gap.data == {"reason": "reconnected", "count": None}


async def test_a_removed_subscription_ends_and_is_forgotten() -> None:
    hub = Hub(HeldClock())
    subscription = hub.add(Topics.of("a"), 1)
    hub.remove(subscription)
    assert len(hub) == 0
    assert [e async for e in subscription] == []


def test_events_survive_the_way() -> None:
    sent, process = event("тема", 7), new_id()
    assert decode(encode(sent, process)) == (sent, process)


@pytest.mark.parametrize(
    "message", ["", "[]", "{}", "null", '{"from": 3}', '{"topic": "a", "id": "x"}']
)
def test_what_is_no_event_is_refused(message: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own errors are ValueErrors too
        decode(message)
