"""The Python client: what it keeps, where its sound comes from, how it gives up, and how light it is."""

import asyncio
import subprocess
import sys
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.live import LiveServer, utterances

from tertulia.client import (
    ConnectionGivenUpError,
    Final,
    Partial,
    Reconnecting,
    RefusedError,
    live,
)
from tertulia.client.buffer import ChunkBuffer
from tertulia.client.events import Ack, Completed, Token, parse
from tertulia.client.sources import SourceError, file, paced

unit = pytest.mark.unit
e2e = [pytest.mark.e2e, pytest.mark.timeout(120)]


@unit
@given(st.lists(st.one_of(st.none(), st.integers(0, 60)), max_size=80))
def test_the_buffer_keeps_exactly_what_is_not_committed(steps: list[int | None]) -> None:
    """`None` adds a chunk, a number commits up to it."""
    buffer, committed = ChunkBuffer(10**9), 0
    for step in steps:
        if step is None:
            seq = buffer.next
            assert buffer.add(str(seq).encode()) == seq
        else:
            committed = max(committed, min(step, buffer.next - 1))
            buffer.committed(step)
    assert buffer.first == committed + 1
    for seq in range(1, buffer.next):
        assert buffer.get(seq) == (str(seq).encode() if seq > committed else None)


@unit
def test_a_full_buffer_says_so_until_something_is_committed() -> None:
    buffer = ChunkBuffer(10)
    buffer.add(b"x" * 10)
    assert buffer.is_full
    buffer.committed(1)
    assert not buffer.is_full
    buffer.renumber(40)
    assert buffer.add(b"y") == 40


@unit
def test_events_become_types_and_unknown_ones_are_left_out() -> None:
    assert parse("ack", {"received_seq": 3, "committed_seq": 1, "more": 0}) == Ack(3, 1)
    assert parse("something_new", {}) is None
    assert "tl_secret" not in repr(parse("token", {"token": "tl_secret"}))
    assert isinstance(parse("token", {"token": "x"}), Token)


@unit
def test_the_client_brings_nothing_heavy_along() -> None:
    heavy = ("numpy", "av", "fastapi", "sqlalchemy", "pydantic", "tertulia.kernel", "sounddevice")
    code = f"import sys, tertulia.client, tertulia.client.sources; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.strip() == "[]"


@unit
async def test_a_file_in_another_form_is_brought_to_ours(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    await asyncio.to_thread(_stereo, path)
    pieces = [piece async for piece in file(path, speed=0)]
    assert len(b"".join(pieces)) == pytest.approx(2 * 16_000, abs=200)
    assert {len(piece) for piece in pieces[:-1]} == {3200}
    nonsense = tmp_path / "nonsense.mp3"
    nonsense.write_bytes(b"nothing that can be heard")
    with pytest.raises(SourceError):
        [piece async for piece in file(nonsense)]


def _stereo(path: Path) -> None:
    with wave.open(str(path), "wb") as recording:
        recording.setnchannels(2)
        recording.setsampwidth(2)
        recording.setframerate(44_100)
        recording.writeframes(bytes(44_100 * 4))


@unit
async def test_sound_is_given_at_its_own_pace() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert [p async for p in paced(iter([b"1", b"2", b"3"]), seconds=0.02)] == [b"1", b"2", b"3"]
    assert loop.time() - began >= 0.06


@unit
async def test_without_a_server_it_gives_up_after_its_tries() -> None:
    events = []
    async with live("http://127.0.0.1:1", key="tk_x", backoff_seconds=(0.0, 0.0)) as session:
        with pytest.raises(ConnectionGivenUpError):
            async for event in session:
                events.append(event)  # noqa: PERF401 - it raises on the way
        with pytest.raises(ConnectionGivenUpError):
            await session.send(b"too late")
    assert [e.attempt for e in events if isinstance(e, Reconnecting)] == [1, 2]


class TestWithAServer:
    pytestmark = e2e

    async def test_a_refusal_says_why(self, live_server: LiveServer) -> None:
        async with live(live_server.url, key="tk_wrong") as session:
            with pytest.raises(RefusedError) as refused:
                await session.wait()
        assert (refused.value.code, refused.value.close_code) == ("NOT_AUTHORIZED", 4001)

    async def test_a_session_s_token_is_enough(self, live_server: LiveServer) -> None:
        sound, said = utterances(1)
        with live_server.client() as client:
            made = client.post("/api/streaming/sessions", json={"title": "Token"}).json()
        async with live(
            live_server.url, token=made["token"], session_id=made["session_id"]
        ) as session:

            async def source() -> AsyncIterator[bytes]:
                for at in range(0, len(sound), 3200):
                    yield sound[at : at + 3200]

            session.feed(source())
            events = [event async for event in session]
        words = [w.text for e in events if isinstance(e, Final) for w in e.words]
        assert words == said
        assert isinstance(events[-1], Completed)
        assert events[-1].transcript_id == made["transcript_id"]
        assert str(session._secret).startswith("tl_")

    async def test_pause_and_resume(self, live_server: LiveServer) -> None:
        sound, said = utterances(1, pause=0.0)
        async with live(live_server.url, key=live_server.key) as session:
            await session.send(sound)
            await session.pause()
            async for event in session:
                if isinstance(event, Final):
                    assert event.text.split() == said
                    break
                assert not isinstance(event, Partial) or event.text
            await session.resume()
            await session.stop()
            assert (await session.wait()).utterances == 1
