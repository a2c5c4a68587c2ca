"""Deepgram's own client against this server: `live_deepgram.py RECORDING.wav` (needs `pip install deepgram-sdk`)."""

import asyncio
import os
import sys
from pathlib import Path

from deepgram import AsyncDeepgramClient
from deepgram.environment import DeepgramClientEnvironment

URL = os.environ.get("TERTULIA_URL", "http://127.0.0.1:8765")
SOCKETS = URL.replace("http", "ws", 1)
HERE = DeepgramClientEnvironment(base=URL, production=SOCKETS, agent=SOCKETS, agent_rest=URL)


async def main(data: bytes) -> None:
    client = AsyncDeepgramClient(api_key=os.environ["TERTULIA_KEY"], environment=HERE)
    async with client.listen.v1.connect(model="nova-3", language="en") as socket:

        async def speak() -> None:
            for at in range(0, len(data), 3200):
                await socket.send_media(data[at : at + 3200])
                await asyncio.sleep(0.1)
            await socket.send_close_stream()

        speaking = asyncio.create_task(speak())
        async for message in socket:
            if message.type == "Results" and message.is_final:
                print(message.channel.alternatives[0].transcript)
        await speaking


asyncio.run(main(Path(sys.argv[1]).read_bytes()))
