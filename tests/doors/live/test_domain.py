"""States, limits and entities, as the protocol's tables say."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from tertulia.doors.live.domain import (
    TRANSITIONS,
    EndReason,
    ResultType,
    SessionMetrics,
    SessionTransitionError,
    StateMachine,
    Status,
    TranscriptionResult,
    duration_limit,
)
from tertulia.doors.live.errors import MEANINGS, Close, Code
from tertulia.kernel.errors import InvalidRequestError

pytestmark = pytest.mark.unit

DOCUMENT = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("before", list(Status))
@pytest.mark.parametrize("after", list(Status))
def test_only_the_moves_of_the_table_are_possible(before: Status, after: Status) -> None:
    machine = StateMachine(before)
    if after in TRANSITIONS[before]:
        assert machine.to(after) is before
        assert machine.status is after
    else:
        with pytest.raises(SessionTransitionError):
            machine.to(after)
        assert machine.status is before


@pytest.mark.parametrize("left", [Status.CONNECTED, Status.RECORDING, Status.PAUSED])
def test_reconnecting_comes_back_to_what_it_left(left: Status) -> None:
    machine = StateMachine(left)
    machine.to(Status.RECONNECTING)
    other = Status.PAUSED if left is Status.RECORDING else Status.RECORDING
    with pytest.raises(SessionTransitionError):
        machine.to(other)
    assert machine.back() is left


def test_what_is_over_stays_over() -> None:
    assert all(not TRANSITIONS[status] for status in Status if status.is_over)


@pytest.mark.parametrize("seconds", [59, 3601, 0, -1])
def test_a_limit_lies_between_a_minute_and_an_hour(seconds: int) -> None:
    with pytest.raises(InvalidRequestError):
        duration_limit(seconds)
    assert duration_limit(60) == 60
    assert duration_limit(3600) == 3600


def result(**changed: object) -> TranscriptionResult:
    fields: dict[str, object] = {
        "result_id": "u1.1", "session_id": uuid4(), "utterance_id": "u1", "sequence_number": 1,
        "result_type": ResultType.FINAL, "text_content": "", "start_time": 0.0, "end_time": 1.0,
        "created_at": NOW,
    }  # fmt: skip
    return TranscriptionResult(**{**fields, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed",
    [
        {"result_id": ""},
        {"confidence": 1.1},
        {"confidence": -0.1},
        {"start_time": -1.0},
        {"end_time": float("nan")},
        {"processing_time_ms": -1},
    ],
)
def test_a_result_that_breaks_its_rules_is_refused(changed: dict[str, object]) -> None:
    assert result().text_content == ""
    with pytest.raises(InvalidRequestError):
        result(**changed)


def metrics(**changed: object) -> SessionMetrics:
    fields: dict[str, object] = {
        "metrics_id": "m", "session_id": uuid4(), "timestamp": NOW, "latency_ms": 3000,
        "chunks_processed": 0, "chunks_pending": 0, "cpu_usage_percent": 100.0,
        "memory_usage_mb": 1.0, "gpu_available": False, "audio_quality_score": 1.0,
    }  # fmt: skip
    return SessionMetrics(**{**fields, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed",
    [
        {"metrics_id": ""},
        {"latency_ms": -1},
        {"chunks_pending": -1},
        {"cpu_usage_percent": 100.1},
        {"memory_usage_mb": -1.0},
        {"audio_quality_score": 1.01},
    ],
)
def test_measurements_that_break_their_rules_are_refused(changed: dict[str, object]) -> None:
    assert not metrics().slow
    assert metrics(latency_ms=3001).slow
    with pytest.raises(InvalidRequestError):
        metrics(**changed)


def test_every_code_and_reason_stands_in_the_protocol() -> None:
    assert set(MEANINGS) == set(Code)
    for code, meaning in MEANINGS.items():
        row = next(line for line in DOCUMENT.splitlines() if line.startswith(f"| `{code}` |"))
        assert f"| {'yes' if meaning.recoverable else 'no'} |" in row
        assert f"`{meaning.action}`" in row
    for close in Close:
        assert f"| {int(close)} |" in DOCUMENT
    for name in (*Status, *EndReason):
        assert f"`{name}`" in DOCUMENT
