"""The live protocol by hand, to show how little a client needs: `live_bare.py RECORDING.wav` (16 kHz, 16 bits, mono).

It keeps every chunk until it is durable text, and goes on where it was after any cut.
"""

import asyncio
import json
import os
import sys
import wave
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

URL = os.environ.get("TERTULIA_URL", "http://127.0.0.1:8765").replace("http", "ws", 1)
HEADERS = {"Authorization": f"Bearer {os.environ['TERTULIA_KEY']}"}


class Session:
    def __init__(self, chunks: list[bytes]) -> None:
        self.kept = dict(enumerate(chunks, 1))  # by sequence number, until committed
        self.last = len(chunks)
        self.query = "mime_type=audio/pcm;rate=16000"
        self.heard_until = 0.0

    async def send(self, socket: ClientConnection, received: int) -> None:
        for seq in range(received + 1, self.last + 1):
            await socket.send(seq.to_bytes(4, "big") + self.kept[seq])
            await asyncio.sleep(0.1)
        stop = {"event": "stop_recording", "data": {"last_seq": self.last}}
        await socket.send(json.dumps(stop))

    def committed(self, upto: int) -> None:
        self.kept = {seq: chunk for seq, chunk in self.kept.items() if seq > upto}

    async def connection(self) -> bool:
        """One connection; whether the session is over."""
        address = f"{URL}/api/realtime/transcribe?{self.query}"
        async with connect(address, additional_headers=HEADERS) as socket:
            sending: asyncio.Task[None] | None = None
            try:
                async for frame in socket:
                    message = json.loads(frame)
                    event, data = message["event"], message["data"]
                    if event == "session_created":
                        self.committed(data["committed_seq"])
                        where = f"session_id={data['session_id']}&epoch={data['epoch']}"
                        self.query = f"{where}&finals_after={self.heard_until}"
                        sending = asyncio.create_task(self.send(socket, data["received_seq"]))
                    elif event == "ack":
                        self.committed(data["committed_seq"])
                    elif event == "transcription_final":
                        self.heard_until = data["end_time"]
                        self.query = self.query.split("&finals_after")[0]
                        self.query += f"&finals_after={self.heard_until}"
                        print(data["text_content"])
                    elif event == "session_completed":
                        return True
                    elif event == "error" and not data["recoverable"]:
                        raise SystemExit(data["message"])
            finally:
                if sending is not None:
                    sending.cancel()
        return False


async def main() -> None:
    with wave.open(str(Path(sys.argv[1]))) as recording:
        sound = recording.readframes(recording.getnframes())
    session = Session([sound[at : at + 3200] for at in range(0, len(sound), 3200)])
    for seconds in (1, 2, 4, 8, 16):
        try:
            if await session.connection():
                return
        except (OSError, ConnectionClosed, InvalidHandshake):
            pass
        await asyncio.sleep(seconds)
    raise SystemExit("no connection after five tries")


asyncio.run(main())
