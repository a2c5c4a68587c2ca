"""Patterns, signatures, and what a try means."""

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from tertulia.kernel.errors import InvalidRequestError
from tertulia.kernel.ids import new_id
from tertulia.webhooks.domain import (
    DISABLE_AFTER,
    RETRY,
    Attempt,
    DeliveryStatus,
    EventTypes,
    Failure,
    judge,
    matches,
    message_id,
    new_webhook_secret,
    signed_headers,
)

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def failed(status: int | None = 500, at: datetime = NOW) -> Attempt:
    return Attempt(at=at, duration_ms=3, response_status=status, failure=Failure.STATUS)


@pytest.mark.parametrize(
    ("pattern", "type_", "fits"),
    [
        ("*", "member.joined", True),
        ("member.*", "member.joined", True),
        ("member.*", "members.joined", False),
        ("member.joined", "member.joined", True),
        ("member.joined", "member.left", False),
        ("member", "member.joined", False),
        ("*.joined", "member.joined", False),
        ("mem*", "member.joined", False),
        ("", "member.joined", False),
    ],
)
def test_patterns(pattern: str, type_: str, fits: bool) -> None:
    assert matches(pattern, type_) is fits


def test_a_pattern_that_nothing_can_match_is_refused() -> None:
    types = EventTypes()
    assert types.check(["webhook.*", "*", "webhook.*"]) == ("webhook.*", "*")
    with pytest.raises(InvalidRequestError, match=r"No event is called nothing\.\*"):
        types.check(["nothing.*"])


def test_a_type_is_registered_once() -> None:
    types = EventTypes()
    types.register("a.b", "Something.", {})
    with pytest.raises(ValueError, match="registered twice"):
        types.register("a.b", "Something else.", {})


def test_receivers_verify_what_we_sign_with_either_secret() -> None:
    old, new = new_webhook_secret(), new_webhook_secret()
    event_id, now = new_id(), datetime.now(UTC)
    headers = signed_headers([new, old], event_id, '{"a":"ñ"}', now)
    assert headers["webhook-id"] == message_id(event_id)
    for secret in (old, new):
        assert Webhook(secret).verify('{"a":"ñ"}', headers) == {"a": "ñ"}


def test_tries_go_on_for_three_days() -> None:
    waits = []
    for tries in range(1, 20):
        verdict = judge(failed(), tries=tries, failing_since=None, chance=0.5)
        if verdict.wait_seconds is None:
            assert verdict.status is DeliveryStatus.FAILED
            break
        assert verdict.status is DeliveryStatus.PENDING
        waits.append(verdict.wait_seconds)
    assert len(waits) == RETRY.attempts - 1 == 9
    assert 3 <= sum(waits) / 86_400 <= 3.5


def test_success_and_gone_end_it_at_once() -> None:
    good = Attempt(at=NOW, duration_ms=3, response_status=204, failure=None)
    assert judge(good, tries=1, failing_since=NOW, chance=0).status is DeliveryStatus.SUCCEEDED
    gone = judge(failed(410), tries=1, failing_since=None, chance=0)
    assert (gone.status, gone.disable) == (DeliveryStatus.FAILED, "gone")


def test_days_of_failures_switch_it_off() -> None:
    later = failed(at=NOW + DISABLE_AFTER)
    assert judge(later, tries=1, failing_since=NOW, chance=0).disable == "failing"
    sooner = failed(at=NOW + DISABLE_AFTER - timedelta(seconds=1))
    assert judge(sooner, tries=1, failing_since=NOW, chance=0).disable is None
