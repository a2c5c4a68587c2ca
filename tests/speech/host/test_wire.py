"""What crosses the socket arrives as it left, in whatever pieces."""

import os

import numpy as np
import pytest

from tertulia.speech.domain import (
    Capabilities,
    Hypothesis,
    HypothesisKind,
    Recognition,
    RecognitionOptions,
    Segment,
    Word,
)
from tertulia.speech.engines.errors import EngineUnavailableError
from tertulia.speech.host import wire
from tertulia.speech.host.errors import EngineBusyError, from_wire, to_wire
from tertulia.speech.host.record import FlightRecord
from tertulia.speech.host.wire import FrameReader, Message, Op, pack

pytestmark = pytest.mark.unit

WORDS = (Word("hola", 0.1, 0.5, 0.9), Word("mundo", 0.5, 1.0))


@pytest.mark.parametrize("piece", [1, 3, 7, 1000, 1_000_000])
def test_messages_survive_any_cutting(piece: int) -> None:
    samples = np.arange(5000, dtype=np.float32)
    sent = [
        Message(Op.AUDIO, 7, wire.samples_to_wire(samples)),
        Message(Op.FINISH, 8),
        Message(Op.OPEN, 9, {"model": "x", "offset": 1.5}),
    ]
    stream = b"".join(map(pack, sent))
    reader = FrameReader()
    got = [m for i in range(0, len(stream), piece) for m in reader.feed(stream[i : i + piece])]
    assert got == sent
    assert np.array_equal(wire.samples_from_wire(got[0].body), samples)


def test_a_frame_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(ConnectionError):
        list(FrameReader().feed(b"\xff\xff\xff\xff"))


def through(body: object) -> object:
    [message] = FrameReader().feed(pack(Message(Op.ANSWER, 1, body)))
    return message.body


def test_values_come_back_the_same() -> None:
    heard = Hypothesis(
        "u1", HypothesisKind.FINAL, "hola mundo", 0.1, 1.0, 1.0, WORDS, "es", 0.8, "A", 12
    )
    assert wire.hypothesis_from_wire(through(wire.hypothesis_to_wire(heard))) == heard  # type: ignore[arg-type]
    options = RecognitionOptions(language="es", hot_words=("Tertulia",), words=True)
    assert wire.options_from_wire(through(wire.options_to_wire(options))) == options  # type: ignore[arg-type]
    able = Capabilities(languages=frozenset({"es", "ru"}), words=True)
    assert wire.capabilities_from_wire(through(wire.capabilities_to_wire(able))) == able  # type: ignore[arg-type]
    segment = Segment("hola mundo", 0.1, 1.0, WORDS, "es", 0.8, "A")
    found = Recognition((segment,), "es", 2.0, "whisper", 5)
    assert wire.recognition_from_wire(through(wire.recognition_to_wire(found))) == found  # type: ignore[arg-type]


def test_our_errors_cross_whole_and_foreign_ones_without_their_text() -> None:
    busy = from_wire(to_wire(EngineBusyError("Full.", retry_after_seconds=3)))
    assert isinstance(busy, EngineBusyError)
    assert busy.headers["Retry-After"] == "3"
    assert isinstance(from_wire(to_wire(EngineUnavailableError("Gone."))), EngineUnavailableError)
    foreign = from_wire(to_wire(ValueError("what she said")))
    assert "what she said" not in foreign.detail
    assert "ValueError" in foreign.detail


def test_the_flight_record_is_seen_from_the_other_side() -> None:
    ours = FlightRecord.create()
    theirs = FlightRecord(os.dup(ours.descriptor))
    theirs.begin(3, (7, 2**40), 5.0)
    theirs.begin(0, (9,), 0.0)
    theirs.beat()
    assert {flight.ids for flight in ours.flights()} == {(7, 2**40), (9,)}
    assert ours.beaten > 0
    overdue = [flight.ids for flight in ours.flights() if flight.overdue(flight.began + 1)]
    assert overdue == [(9,)]
    theirs.end(3)
    assert [flight.ids for flight in ours.flights()] == [(9,)]
    theirs.close()
    ours.close()
