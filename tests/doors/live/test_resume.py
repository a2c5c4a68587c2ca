"""Never lost, never twice: cuts, a bad network, the death of the server, of the speech host, another node."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import psutil
import pytest
from tests.doors.live.proxy import BadNetwork
from tests.fixtures.live import LiveServer, StartLive, chunks, utterances

from tertulia.client import Completed, Created, Event, Final, LiveSession, live

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

QUICK = (0.05, 0.1, 0.2, 0.5, 1, 1, 2, 2, 2, 2, 2)
PATIENT = (0.1,) * 600
"""For a server that has to start again on a busy machine."""


async def spoken(sound: bytes, pace: float = 0.01) -> AsyncIterator[bytes]:
    for chunk in chunks(sound):
        yield chunk
        await asyncio.sleep(pace)


def confirmed(events: Sequence[Event]) -> list[str]:
    """The words of finals, each utterance once, in the order of time."""
    finals = {e.utterance_id: e for e in events if isinstance(e, Final)}
    ordered = sorted(finals.values(), key=lambda final: final.start)
    return [word for final in ordered for word in final.text.split()]


async def listen(session: LiveSession) -> list[Event]:
    return [event async for event in session]


async def test_a_bad_network_changes_nothing(live_server: LiveServer) -> None:
    sound, said = utterances(6)
    network = BadNetwork(live_server.port, cuts=8, cut=0.08, double=0.2, swap=0.2, delay=0.05)
    async with (
        network.running(),
        live(network.url, key=live_server.key, backoff_seconds=QUICK) as session,
    ):
        session.feed(spoken(sound))
        events = await listen(session)
    assert network.cut_connections >= 3
    assert session.connections == network.cut_connections + 1
    assert confirmed(events) == said
    assert session.transcript_id
    assert live_server.text(session.transcript_id) == said
    assert session.waiting_chunks == 0


async def test_many_sessions_on_bad_networks(live_server: LiveServer) -> None:
    """Each cut falls somewhere else, so that over many sessions they fall everywhere."""

    async def one(seed: int) -> int:
        sound, said = utterances(3, words=2 + seed % 3)
        network = BadNetwork(live_server.port, seed=seed, cuts=5, cut=0.06, double=0.1, swap=0.1)
        async with (
            network.running(),
            live(network.url, key=live_server.key, backoff_seconds=QUICK) as session,
        ):
            session.feed(spoken(sound))
            events = await listen(session)
        assert confirmed(events) == said, seed
        assert session.transcript_id
        assert await asyncio.to_thread(live_server.text, session.transcript_id) == said, seed
        return network.cut_connections

    cuts = await asyncio.gather(*(one(seed) for seed in range(12)))
    assert sum(cuts) >= 20


async def test_the_server_is_killed_again_and_again(start_live: StartLive) -> None:
    server = await asyncio.to_thread(start_live)
    sound, said = utterances(8)
    pieces = chunks(sound)
    chance = random.Random(7)
    places = sorted(chance.sample(range(10, len(pieces) - 10), 3))
    async with live(server.url, key=server.key, backoff_seconds=PATIENT) as session:
        connected = asyncio.Event()

        async def heard() -> list[Event]:
            events: list[Event] = []
            async for event in session:
                events.append(event)
                if isinstance(event, Created):
                    connected.set()
            return events

        listening = asyncio.create_task(heard())
        for place, piece in enumerate(pieces):
            await session.send(piece)
            await asyncio.sleep(0.03)
            if place in places:
                connected.clear()
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
                async with asyncio.timeout(60):
                    await connected.wait()
        await session.stop()
        events = await listening
    assert isinstance(events[-1], Completed)
    assert session.connections == 4
    assert confirmed(events) == said
    assert session.transcript_id
    assert server.text(session.transcript_id) == said


async def test_the_speech_host_is_killed(live_server: LiveServer) -> None:
    sound, said = utterances(4)
    async with live(live_server.url, key=live_server.key) as session:
        session.feed(spoken(sound, pace=0.04))
        events: list[Event] = []
        killed = False
        async for event in session:
            events.append(event)
            if isinstance(event, Final) and not killed:
                killed = True
                await asyncio.to_thread(_kill_host, live_server)
    assert killed
    assert confirmed(events) == said
    assert session.connections == 1


def _kill_host(server: LiveServer) -> None:
    assert server.process is not None
    children = psutil.Process(server.process.pid).children(recursive=True)
    hosts = [c for c in children if any("speech.host" in part for part in c.cmdline())]
    assert hosts
    for host in hosts:
        host.kill()


async def test_another_node_goes_on(start_live: StartLive, conninfo: str) -> None:
    one = await asyncio.to_thread(start_live, database_url=conninfo)
    other = await asyncio.to_thread(start_live, database_url=conninfo, key=one.key)
    sound, said = utterances(6)
    pieces = chunks(sound)
    half = len(pieces) // 2
    async with live(one.url, key=one.key, backoff_seconds=PATIENT) as session:
        listening = asyncio.create_task(listen(session))
        for piece in pieces[:half]:
            await session.send(piece)
            await asyncio.sleep(0.02)
        # a load balancer that sends the next connection elsewhere, while the first node lives on
        session._url = other.url
        assert session._socket is not None
        session._socket.transport.abort()
        for piece in pieces[half:]:
            await session.send(piece)
            await asyncio.sleep(0.02)
        await session.stop()
        events = await listening
    assert confirmed(events) == said
    assert session.transcript_id
    assert one.text(session.transcript_id) == said
    with one.client() as client:
        found = client.get(f"/api/streaming/sessions/{session.session_id}").json()
    assert found["status"] == "completed"
    assert found["confirmed_text"].split() == said


async def test_a_session_that_nobody_comes_back_to_is_saved(start_live: StartLive) -> None:
    server = await asyncio.to_thread(start_live, live_reconnect_seconds="0.6")
    sound, said = utterances(2)
    async with live(server.url, key=server.key) as session:
        for piece in chunks(sound):
            await session.send(piece)
        events: list[Event] = []
        async for event in session:
            events.append(event)
            if confirmed(events) == said:
                break
    with server.client() as client:
        async with asyncio.timeout(30):
            found = await asyncio.to_thread(_get, client, session)
            while found["end_time"] is None:
                await asyncio.sleep(0.1)
                found = await asyncio.to_thread(_get, client, session)
    assert (found["status"], found["end_reason"]) == ("error", "connection_lost")
    assert found["error_code"] == "CONNECTION_LOST"
    assert found["confirmed_text"].split() == said


def _get(client: object, session: LiveSession) -> dict[str, str]:
    answer = client.get(f"/api/streaming/sessions/{session.session_id}")  # type: ignore[attr-defined]
    found: dict[str, str] = answer.json()
    return found


async def test_a_reloaded_page_goes_on_in_a_new_epoch(live_server: LiveServer) -> None:
    sound, said = utterances(4)
    pieces = chunks(sound)
    half = len(pieces) // 2
    async with live(live_server.url, key=live_server.key) as first:
        for piece in pieces[:half]:
            await first.send(piece)
        async for event in first:
            if getattr(event, "received_seq", 0) == half:
                break
        session_id = first.session_id
    async with live(live_server.url, key=live_server.key, session_id=session_id) as second:
        for piece in pieces[half:]:
            await second.send(piece)
        await second.stop()
        events = await listen(second)
    assert events[0].epoch == 2  # type: ignore[union-attr]
    assert events[0].received_seq == half  # type: ignore[union-attr]
    assert second.transcript_id
    assert live_server.text(second.transcript_id) == said


async def test_a_webm_recording_survives_the_server(start_live: StartLive, tmp_path: Path) -> None:
    server = await asyncio.to_thread(start_live)
    sound, said = utterances(7)
    data = await asyncio.to_thread(_webm, sound)
    pieces = [data[at : at + 1500] for at in range(0, len(data), 1500)]
    async with live(
        server.url, key=server.key, mime_type="audio/webm", backoff_seconds=PATIENT
    ) as session:
        listening = asyncio.create_task(listen(session))
        for number, piece in enumerate(pieces):
            await session.send(piece)
            await asyncio.sleep(0.05)
            if number == len(pieces) // 2:
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
        await session.stop()
        events = await listening
    assert session.connections == 2
    assert session.committed_seq > 0
    assert confirmed(events) == said


def _webm(sound: bytes) -> bytes:
    import io

    import av
    import numpy as np

    buffer = io.BytesIO()
    with av.open(
        buffer, "w", format="webm", options={"cluster_time_limit": "1500", "live": "1"}
    ) as container:
        stream = container.add_stream("libopus", rate=16_000)
        stream.bit_rate = 64_000
        frame = av.AudioFrame.from_ndarray(
            np.frombuffer(sound, "<i2")[np.newaxis], format="s16", layout="mono"
        )
        frame.sample_rate = 16_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return buffer.getvalue()
