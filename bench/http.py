"""An authenticated JSON read through the whole stack, against a bare ASGI "hello" on the same server program."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httptools
import httpx

from bench.measure import at_least, in_turn
from bench.start import start, stop

CONNECTIONS = 16
GOAL = 0.25

HELLO = """
import asyncio, socket, sys, uvicorn, uvloop
from tertulia.server.protocol import PatientHttpProtocol
async def hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json"), (b"content-length", b"17")]})
    await send({"type": "http.response.body", "body": b'{"hello":"world"}'})
listener = socket.fromfd(int(sys.argv[1]), socket.AF_INET, socket.SOCK_STREAM)
config = uvicorn.Config(hello, http=PatientHttpProtocol, lifespan="off", access_log=False, log_config=None, server_header=False, loop="uvloop")
uvicorn.Server(config).run(sockets=[listener])
"""


class _Reader:
    """Counts the answers on one connection, asking again after each."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.status = 0
        self.parser: httptools.HttpResponseParser

    def on_message_complete(self) -> None:
        self.status = self.parser.get_status_code()
        self.done.set()


async def _ask(host: str, port: int, request: bytes, until: float) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    count = 0
    while time.perf_counter() < until:
        answer = _Reader()
        answer.parser = httptools.HttpResponseParser(answer)
        writer.write(request)
        while not answer.done.is_set():
            answer.parser.feed_data(await reader.read(65536))
        if answer.status != 200:
            raise RuntimeError(f"answered {answer.status}")
        count += 1
    writer.close()
    return count


async def rate(url: str, path: str, headers: dict[str, str], seconds: float) -> float:
    """Answers a second over several kept connections."""
    target = httpx.URL(url)
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {target.host}",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    began = time.perf_counter()
    counts = await asyncio.gather(
        *(
            _ask(target.host, target.port or 80, request, began + seconds)
            for _ in range(CONNECTIONS)
        )
    )
    return sum(counts) / (time.perf_counter() - began)


async def key_of(url: str, link: str) -> str:
    """Makes the owner's account by the link, and a key."""
    async with httpx.AsyncClient(base_url=url) as client:
        token = link.split("link=")[1]
        person = {
            "link": token,
            "name": "Bench",
            "email": "bench@example.org",
            "password": "a long enough one",
        }
        (await client.post("/api/auth/claim", json=person)).raise_for_status()
        me = (await client.get("/api/me")).json()
        made = await client.post(
            "/api/keys",
            json={"name": "bench", "scopes": ["identity:read"]},
            headers={"X-CSRF-Token": me["csrf_token"], "Origin": url},
        )
        made.raise_for_status()
        return str(made.json()["key"])


async def main() -> int:  # a benchmark has the loop to itself, blocking it harms nobody
    seconds = 1.0 if "--quick" in sys.argv else 4.0
    listener = socket.create_server(("127.0.0.1", 0))
    os.set_inheritable(listener.fileno(), True)
    bare = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", HELLO, str(listener.fileno())],
        pass_fds=[listener.fileno()],
        stderr=subprocess.DEVNULL,
    )
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        environment = {"TERTULIA_RATE_LIMIT": "100000000/minute", "TERTULIA_LOG_LEVEL": "warning"}
        process, ready = start(data, **environment)
        key = await key_of(ready["url"], ready["link"])
        hello = f"http://127.0.0.1:{listener.getsockname()[1]}"
        ours, baseline = await in_turn(
            lambda: rate(ready["url"], "/api/me", {"Authorization": f"Bearer {key}"}, seconds),
            lambda: rate(hello, "/", {}, seconds),
            rounds=3,
        )
        stop(process)
    bare.terminate()
    bare.wait()
    listener.close()
    ratio = at_least("authenticated JSON read ÷ bare ASGI hello", ours, baseline, "answers/s", GOAL)
    print(ratio.line())
    return 0 if ratio.holds else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
