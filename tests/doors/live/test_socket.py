"""The socket, held by hand: every kind of bad input, who may come in, pauses, limits, captions, two connections."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest
from tests.fixtures.live import LiveServer, StartLive, chunks, utterances
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tertulia.doors.live.domain import MOST_CHUNK_BYTES

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

SILENCE = bytes(3200)


class Talk:
    """One connection; events are read in order."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(30):
            event: dict[str, Any] = json.loads(await self.socket.recv())
        self.seen.append(event)
        return event

    async def until(self, name: str, **wanted: Any) -> dict[str, Any]:
        """The data of the next event of that name whose data has these values."""
        while True:
            event = await self.next()
            data: dict[str, Any] = event["data"]
            if event["event"] == name and all(data.get(k) == v for k, v in wanted.items()):
                return data

    async def chunk(self, seq: int, sound: bytes = SILENCE) -> None:
        await self.socket.send((seq % 2**32).to_bytes(4, "big") + sound)

    async def say(self, event: str, **data: Any) -> None:
        await self.socket.send(json.dumps({"event": event, "data": data}))

    async def closed(self) -> int | None:
        try:
            while True:
                await self.next()
        except ConnectionClosed:
            return self.socket.close_code


@asynccontextmanager
async def talk(
    server: LiveServer,
    *,
    path: str = "/api/realtime/transcribe",
    token: str | None = None,
    headers: dict[str, str] | None = None,
    **query: str,
) -> AsyncIterator[Talk]:
    address = f"ws://127.0.0.1:{server.port}{path}?{urlencode(query)}"
    protocols: Any = ["tertulia.live.v1", f"bearer.{token}"] if token else None
    given = headers if headers is not None else ({} if token else server.headers)
    async with connect(
        address, additional_headers=given, subprotocols=protocols, compression=None,
        max_size=None, proxy=None,
    ) as socket:  # fmt: skip
        yield Talk(socket)


def made(server: LiveServer, **body: Any) -> dict[str, Any]:
    with server.client() as client:
        answer = client.post("/api/streaming/sessions", json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def seen(server: LiveServer, session_id: str, inside: str = "") -> dict[str, Any]:
    with server.client() as client:
        answer = client.get(f"/api/streaming/sessions/{session_id}{inside}")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def encoded(sound: bytes) -> str:
    return base64.b64encode(sound).decode()


GOOD = {"sequence_number": 1, "audio_data": encoded(SILENCE), "size_bytes": 3200, "chunk_id": "a"}

BAD = [
    ("not json", "INVALID_MESSAGE"),
    ("[1, 2]", "INVALID_MESSAGE"),
    ('{"event": "dance", "data": {}}', "INVALID_MESSAGE"),
    ('{"event": "pause", "data": 3}', "INVALID_MESSAGE"),
    ("[" * 100_000, "INVALID_MESSAGE"),
    (b"\x00\x00\x00\x01", "INVALID_MESSAGE"),
    (b"", "INVALID_MESSAGE"),
    (b"\x00\x00\x00\x00xx", "SEQUENCE_MISMATCH"),
    (b"\xff\xff\xff\xffxx", "SEQUENCE_MISMATCH"),
    (b"\x00\x00\x00\x01" + bytes(MOST_CHUNK_BYTES + 1), "CHUNK_TOO_LARGE"),
    ({**GOOD, "audio_data": "no base64!"}, "INVALID_FORMAT"),
    ({**GOOD, "audio_data": 7}, "INVALID_MESSAGE"),
    ({**GOOD, "audio_data": ""}, "INVALID_FORMAT"),
    ({**GOOD, "audio_data": encoded(bytes(MOST_CHUNK_BYTES + 1)), "size_bytes": None}, "CHUNK_TOO_LARGE"),
    ({**GOOD, "size_bytes": 3199}, "INVALID_FORMAT"),
    ({**GOOD, "mime_type": "audio/webm"}, "INVALID_FORMAT"),
    ({**GOOD, "mime_type": "text/html"}, "INVALID_FORMAT"),
    ({**GOOD, "sequence_number": 0}, "SEQUENCE_MISMATCH"),
    ({**GOOD, "sequence_number": -5}, "SEQUENCE_MISMATCH"),
    ({**GOOD, "sequence_number": True}, "INVALID_MESSAGE"),
    ({**GOOD, "sequence_number": 1.5}, "INVALID_MESSAGE"),
    ({**GOOD, "sequence_number": None}, "INVALID_MESSAGE"),
    ({**GOOD, "sequence_number": 10**30}, "SEQUENCE_MISMATCH"),
    ({**GOOD, "chunk_id": ""}, "INVALID_MESSAGE"),
    ({**GOOD, "timestamp": "yesterday"}, "INVALID_MESSAGE"),
    ({**GOOD, "session_id": str(uuid4())}, "INVALID_SESSION"),
    ('{"event": "ping", "data": {"id": "' + "x" * 65 + '"}}', "INVALID_MESSAGE"),
    ('{"event": "ping", "data": {"id": "\\ud800"}}', "INVALID_MESSAGE"),
    ('{"event": "ping", "data": {"sent_at_ms": NaN}}', "INVALID_MESSAGE"),
    ('{"event": "stop_recording", "data": {"last_seq": -1}}', "INVALID_MESSAGE"),
]  # fmt: skip


async def test_bad_frames_are_refused_one_by_one_and_nothing_else_suffers(
    live_server: LiveServer,
) -> None:
    async with talk(live_server) as one:
        created = await one.until("session_created")
        for bad, code in BAD:
            if isinstance(bad, dict):
                await one.say("audio_chunk", **bad)
            else:
                await one.socket.send(bad)
            error = await one.until("error")
            assert error["code"] == code, (str(bad)[:80], error)
            assert error["action"]
            assert error["recoverable"] is (code != "INVALID_SESSION")
        await one.say("audio_chunk", **{**GOOD, "session_id": created["session_id"]})
        assert (await one.until("ack"))["received_seq"] == 1
        await one.say("stop_recording")
        assert (await one.until("session_completed"))["chunks_received"] == 1
        assert await one.closed() == 1000


async def test_mistakes_without_end_close_the_connection(live_server: LiveServer) -> None:
    async with talk(live_server) as one:
        for _ in range(60):
            await one.socket.send("nonsense")
        assert await one.closed() == 4022


async def test_a_repeat_is_dropped_and_another_content_told(live_server: LiveServer) -> None:
    async with talk(live_server) as one:
        for seq in (1, 2, 2, 1):
            await one.chunk(seq)
        await one.chunk(2, b"\x01" * 3200)
        error = await one.until("error")
        assert error["detail"]["reason"] == "different_content"
        await one.say("stop_recording", last_seq=2)
        done = await one.until("session_completed")
        assert (done["chunks_received"], done["duration_seconds"]) == (2, 0.2)


async def test_what_is_missing_is_asked_for(live_server: LiveServer) -> None:
    async with talk(live_server) as one:
        for seq in (1, 4, 5):
            await one.chunk(seq)
        assert await one.until("missing") == {"from_seq": 2, "to_seq": 3}
        await one.chunk(3)
        await one.chunk(2)
        assert (await one.until("ack", received_seq=5))["committed_seq"] <= 5


async def test_a_flood_is_slowed_down_and_loses_nothing(live_server: LiveServer) -> None:
    async with talk(live_server) as one:
        for seq in range(1, 3001):
            await one.chunk(seq, bytes(64))
        error = await one.until("error")
        assert error["code"] == "RATE_LIMIT"
        assert error["detail"]["retry_after_ms"] > 0
        assert (await one.until("ack", received_seq=3000))["received_seq"] == 3000


@pytest.mark.parametrize(
    ("query", "code", "close"),
    [
        ({"session_id": "no-uuid"}, "INVALID_SESSION", 4004),
        ({"session_id": str(uuid4())}, "INVALID_SESSION", 4004),
        ({"mime_type": "audio/mp3"}, "UNSUPPORTED_FORMAT", 4000),
        ({"duration_limit": "59"}, "INVALID_MESSAGE", 4000),
        ({"duration_limit": "x"}, "INVALID_MESSAGE", 4000),
        ({"engine": "nobody"}, "INVALID_MESSAGE", 4000),
        ({"space_id": str(uuid4())}, "INVALID_MESSAGE", 4000),
        ({"finals_after": "-1"}, "INVALID_MESSAGE", 4000),
        ({"epoch": "7"}, "INVALID_MESSAGE", 4000),
        ({"epoch": "x"}, "INVALID_MESSAGE", 4000),
        ({f"p{n}": "1" for n in range(40)}, "INVALID_MESSAGE", 4000),
    ],
)
async def test_bad_addresses(
    live_server: LiveServer, query: dict[str, str], code: str, close: int
) -> None:
    async with talk(live_server, **query) as one:
        assert await one.closed() == close
        assert one.seen[-1]["data"]["code"] == code


async def test_nobody_comes_in_without_the_right(live_server: LiveServer) -> None:
    token = made(live_server)["token"]
    for headers in (
        {},
        {"Authorization": "Bearer tk_wrong"},
        {"Authorization": "Bearer tl_wrong"},
        {"Authorization": f"Bearer {token[:-3]}abc"},
    ):
        async with talk(live_server, headers=headers) as one:
            assert await one.closed() == 4001
            assert one.seen[-1]["data"]["code"] == "NOT_AUTHORIZED"


async def test_a_token_opens_its_own_session_only(live_server: LiveServer) -> None:
    one, other = made(live_server), made(live_server)
    async with talk(live_server, token=one["token"], session_id=other["session_id"]) as wrong:
        assert await wrong.closed() == 4004
    async with talk(live_server, token=one["token"]) as right:
        assert right.socket.subprotocol == "tertulia.live.v1"
        created = await right.until("session_created")
        assert created["session_id"] == one["session_id"]
        assert created["resumed"] is False
    async with talk(live_server, token=created["token"], session_id=one["session_id"]) as again:
        assert (await again.until("session_created"))["resumed"] is True


async def test_a_listener_s_token_cannot_speak(live_server: LiveServer) -> None:
    session = made(live_server)
    with live_server.client() as client:
        path = f"/api/streaming/sessions/{session['session_id']}/token"
        token = client.post(path, json={"role": "listener"}).json()["token"]
    async with talk(live_server, token=token) as one:
        assert await one.closed() == 4001


async def test_a_revoked_key_ends_the_connection(start_live: StartLive) -> None:
    server = await asyncio.to_thread(start_live)
    with server.client() as client:
        [key] = client.get("/api/keys").json()["items"]
    async with talk(server) as one:
        await one.until("session_created")
        await asyncio.to_thread(_revoke, server, key["id"])
        async with asyncio.timeout(5):
            assert await one.closed() == 4001


def _revoke(server: LiveServer, key_id: str) -> None:
    with server.client() as client:
        client.delete(f"/api/keys/{key_id}").raise_for_status()


async def test_the_newest_connection_is_the_only_one(live_server: LiveServer) -> None:
    session = made(live_server)["session_id"]
    async with talk(live_server, session_id=session) as old:
        await old.until("session_created")
        await old.chunk(1)
        await old.until("ack", received_seq=1)
        async with talk(live_server, session_id=session, epoch="1") as new:
            assert (await new.until("session_created"))["received_seq"] == 1
            assert await old.closed() == 4009
            assert old.seen[-1]["data"]["code"] == "SUPERSEDED"
            await new.chunk(2)
            assert (await new.until("ack", received_seq=2))["received_seq"] == 2
        async with talk(live_server, session_id=session, epoch="new") as newest:
            assert (await newest.until("session_created"))["epoch"] == 2
        async with talk(live_server, session_id=session, epoch="1") as stale:
            assert await stale.closed() == 4009


async def test_a_pause_confirms_what_was_said(live_server: LiveServer) -> None:
    sound, said = utterances(1, pause=0.0)
    pieces = chunks(sound)
    async with talk(live_server) as one:
        for seq, piece in enumerate(pieces, 1):
            await one.chunk(seq, piece)
        await one.until("ack", received_seq=len(pieces))
        await one.say("pause")
        assert (await one.until("status"))["status"] in ("connected", "recording", "paused")
        final = await one.until("transcription_final")
        assert final["text_content"].split() == said
        assert [word["text"] for word in final["words"]] == said
        await one.until("ack", committed_seq=len(pieces))
        await one.say("resume")
        await one.until("status", status="recording")
        await one.chunk(len(pieces) + 1)
        await one.say("stop_recording")
        assert (await one.until("session_completed"))["utterances"] == 1


async def test_ping_says_where_it_is(live_server: LiveServer) -> None:
    async with talk(live_server) as one:
        await one.say("ping", id="7", sent_at_ms=12.5)
        pong = await one.until("pong")
        assert (pong["id"], pong["sent_at_ms"], pong["received_seq"]) == ("7", 12.5, 0)


async def test_missed_finals_are_sent_again(live_server: LiveServer) -> None:
    sound, said = utterances(2)
    session = made(live_server, title="Once more")["session_id"]
    async with talk(live_server, session_id=session) as one:
        for seq, piece in enumerate(chunks(sound), 1):
            await one.chunk(seq, piece)
        first = await one.until("transcription_final")
        await one.until("transcription_final")
    async with talk(live_server, session_id=session, finals_after="0") as again:
        heard = [await again.until("transcription_final", replayed=True) for _ in range(2)]
        assert [word for h in heard for word in h["text_content"].split()] == said
    after = str(first["end_time"])
    async with talk(live_server, session_id=session, finals_after=after, epoch="2") as later:
        found = await later.until("transcription_final", replayed=True)
        assert found["text_content"].split() == said[4:]


async def test_captions_follow_on_another_screen(live_server: LiveServer) -> None:
    sound, said = utterances(2)
    session = made(live_server, title="Captions")["session_id"]
    captions = "/api/realtime/captions"
    async with talk(live_server, session_id=session) as speaker:
        await speaker.until("session_created")
        async with talk(live_server, path=captions, session_id=session) as screen:
            opened = await screen.until("captions_opened")
            assert (opened["title"], opened["finals"]) == ("Captions", [])
            await screen.socket.send(b"sound")
            assert (await screen.until("error"))["code"] == "INVALID_MESSAGE"
            for seq, piece in enumerate(chunks(sound), 1):
                await speaker.chunk(seq, piece)
                await asyncio.sleep(0.02)
            finals = [await screen.until("transcription_final") for _ in range(2)]
            shown = {e["event"] for e in screen.seen}
            async with talk(live_server, path=captions, token=opened["token"]) as late:
                snapshot = await late.until("captions_opened")
                assert [f["utterance_id"] for f in snapshot["finals"]] == [
                    f["utterance_id"] for f in finals
                ]
            await speaker.say("stop_recording")
            assert (await screen.until("session_completed"))["reason"] == "stopped"
            assert await screen.closed() == 1000
    assert [word for final in finals for word in final["text_content"].split()] == said
    assert {"transcription_partial", "status"} <= shown
    async with talk(live_server, path=captions, session_id=session) as over:
        assert await over.closed() == 4010


async def test_limits_end_a_session_and_keep_its_text(start_live: StartLive) -> None:
    server = await asyncio.to_thread(
        start_live, live_idle_seconds="0.8", live_connect_seconds="0.8", live_max_sessions="2"
    )
    sound, said = utterances(1)
    async with talk(server) as idle:
        created = await idle.until("session_created")
        for seq, piece in enumerate(chunks(sound), 1):
            await idle.chunk(seq, piece)
        assert (await idle.until("session_completed"))["reason"] == "idle"
    assert seen(server, created["session_id"])["confirmed_text"].split() == said
    async with talk(server, session_id=created["session_id"]) as over:
        assert await over.closed() == 4010
        assert over.seen[-1]["data"]["code"] == "SESSION_EXPIRED"
    async with talk(server, duration_limit="60") as long:
        for seq in range(1, 70):
            await long.chunk(seq, bytes(32_000))
        done = await long.until("session_completed")
        assert done["reason"] == "duration_limit"
        assert 60 <= done["duration_seconds"] < 62
    async with talk(server) as one, talk(server) as two:
        await one.until("session_created")
        await two.until("session_created")
        with server.client() as client:
            refused = client.post("/api/streaming/sessions", json={})
        assert (refused.status_code, refused.json()["code"]) == (503, "live_full")
        assert int(refused.headers["Retry-After"]) > 0
        async with talk(server) as three:
            assert await three.closed() == 1013
            assert three.seen[-1]["data"]["detail"]["retry_after_ms"] > 0


async def test_ended_over_http_and_removed(live_server: LiveServer) -> None:
    sound, said = utterances(1, pause=0.0)
    session = made(live_server, metadata={"ward": 3}, language="en")
    assert session["status"] == "connecting"
    id_ = session["session_id"]
    async with talk(live_server, session_id=id_) as one:
        for seq, piece in enumerate(chunks(sound), 1):
            await one.chunk(seq, piece)
        await one.until("ack", received_seq=len(chunks(sound)))
        now = seen(live_server, id_, "/metrics")
        assert now["chunks_processed"] + now["chunks_pending"] == len(chunks(sound))
        assert 0 < now["audio_quality_score"] <= 1
        with live_server.client() as client:
            assert client.delete(f"/api/streaming/sessions/{id_}").status_code == 204
        assert (await one.until("session_completed"))["reason"] == "deleted"
    found = seen(live_server, id_)
    assert (found["status"], found["confirmed_text"].split()) == ("completed", said)
    assert found["metadata"] == {"ward": 3}
    assert seen(live_server, id_, "/metrics")["aggregated"]["finals"] == 1
    events = [entry["event"] for entry in seen(live_server, id_, "/log")["items"]]
    assert events == ["connecting", "connected", "recording", "finalizing", "completed"]
    with live_server.client() as client:
        client.patch(f"/api/streaming/sessions/{id_}", json={"title": "Ward"}).raise_for_status()
        page = client.get("/api/streaming/sessions", params={"q": "ward", "status": "completed"})
        assert [item["session_id"] for item in page.json()["items"]] == [id_]
        assert client.delete(f"/api/streaming/sessions/{id_}").status_code == 204
        assert client.get(f"/api/streaming/sessions/{id_}").status_code == 404
        kept = client.get(f"/api/transcripts/{found['transcript_id']}").json()
        assert (kept["title"], kept["provider"], kept["language"]) == ("Ward", "scripted", "en")


async def test_unreadable_sound_ends_the_session(live_server: LiveServer) -> None:
    for mime in ("audio/webm", "audio/wav"):
        async with talk(live_server, mime_type=mime) as one:
            await one.chunk(1, b"this is no recording at all" * 50)
            await one.chunk(2, b"and never will be one" * 50)
            await one.say("stop_recording")
            done = await one.until("session_completed")
            codes = [e["data"]["code"] for e in one.seen if e["event"] == "error"]
            assert done["status"] == "error" or codes == []
            if mime == "audio/wav":
                assert codes == ["UNSUPPORTED_FORMAT"]


async def test_a_slow_reader_stops_nobody_else(live_server: LiveServer) -> None:
    """It is sent no more than its buffers hold; what it says is still taken."""
    reader, writer = await asyncio.open_connection("127.0.0.1", live_server.port)
    key = base64.b64encode(bytes(16)).decode()
    request = (
        f"GET /api/realtime/transcribe HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {live_server.key}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {key}\r\n\r\n"
    )
    writer.write(request.encode())
    async with asyncio.timeout(20):
        assert b"101" in await reader.readline()
    ping = json.dumps({"event": "ping", "data": {"id": "x" * 64}}).encode()
    mask = bytes(4)
    for _ in range(20_000):
        writer.write(bytes([0x81, 0x80 | len(ping)]) + mask + ping)
    async with talk(live_server) as other:
        await other.say("ping", id="there")
        assert (await other.until("pong"))["id"] == "there"
    writer.transport.abort()


async def test_a_page_of_another_site_is_turned_away(live_server: LiveServer) -> None:
    async with httpx.AsyncClient(base_url=live_server.url, timeout=30) as client:
        person = {"email": "ana@example.org", "password": "correct horse battery"}
        (await client.post("/api/auth/sign-in", json=person)).raise_for_status()
        cookie = "; ".join(f"{k}={v}" for k, v in client.cookies.items())
    for origin, welcome in ((live_server.url, True), ("https://elsewhere.example", False)):
        async with talk(live_server, headers={"Cookie": cookie, "Origin": origin}) as one:
            if welcome:
                await one.until("session_created")
            else:
                assert await one.closed() == 4001
