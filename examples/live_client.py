"""Captions in the terminal: `live_client.py [RECORDING]`, or the microphone without one."""

import asyncio
import os
import sys

from tertulia.client import Completed, Final, Partial, Reconnecting, live
from tertulia.client.sources import file, microphone


async def main() -> None:
    url = os.environ.get("TERTULIA_URL", "http://127.0.0.1:8765")
    key = os.environ["TERTULIA_KEY"]
    async with live(url, key=key, language="en", title="From Python") as session:
        session.feed(file(sys.argv[1]) if len(sys.argv) > 1 else microphone())
        async for event in session:
            match event:
                case Partial(text=text):
                    print(f"\r\x1b[K\x1b[2m{text}\x1b[0m", end="", flush=True)
                case Final(text=text) if text:
                    print(f"\r\x1b[K{text}")
                case Reconnecting(wait_seconds=seconds):
                    print(f"\r\x1b[K(reconnecting in {seconds:g} s; nothing is lost)", end="")
                case Completed(transcript_id=transcript_id):
                    print(f"\r\x1b[Kkept as {transcript_id}")


asyncio.run(main())
