"""An authenticated JSON read through the whole stack, against a bare ASGI "hello" on the same server program.

Between the two stands what each layer adds, so that the figure explains itself: answers a second over kept
connections, and the server's own CPU for each.
"""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httptools
import httpx
import psutil

from bench.measure import at_least, median
from bench.start import start, stop

CONNECTIONS = 16
GOAL = 0.25
ROUNDS = 3

HELLO = """
import asyncio, socket, sys, uvicorn, uvloop
from tertulia.server.protocol import PatientHttpProtocol
async def hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json"), (b"content-length", b"17")]})
    await send({"type": "http.response.body", "body": b'{"hello":"world"}'})
app = hello
if sys.argv[2] == "surrounded":
    from tertulia.kernel.settings import Settings
    from tertulia.server.metrics import Metrics
    from tertulia.server.middleware import Surroundings
    app = Surroundings(hello, Settings(_env_file=None), Metrics(), large=())
listener = socket.fromfd(int(sys.argv[1]), socket.AF_INET, socket.SOCK_STREAM)
config = uvicorn.Config(app, http=PatientHttpProtocol, lifespan="off", access_log=False, log_config=None, server_header=False, loop="uvloop")
uvicorn.Server(config).run(sockets=[listener])
"""

BY_FASTAPI = """
import tertulia.server.app
tertulia.server.app.RouteTable = lambda api: api
from tertulia.cli.main import main
main()
"""
"""The same server without its table of routes: FastAPI finds them and answers."""


@dataclass(slots=True)
class Layer:
    """One thing to ask, and what was measured of it."""

    name: str
    url: str
    path: str
    pid: int
    headers: dict[str, str] = field(default_factory=dict)
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    async def measure(self, seconds: float) -> None:
        process = psutil.Process(self.pid)
        before = sum(process.cpu_times()[:2])
        found = await rate(self.url, self.path, self.headers, seconds)
        spent = sum(process.cpu_times()[:2]) - before
        self.rates.append(found)
        self.cpu_us.append(spent / (found * seconds) * 1e6)

    def line(self) -> str:
        return f"  {self.name:<58} {median(self.rates):>9,.0f} /s {median(self.cpu_us):>7,.0f} µs"


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


@asynccontextmanager
async def hello(kind: str) -> AsyncIterator[tuple[str, int]]:
    """A server that says hello: its address and its process."""
    listener = socket.create_server(("127.0.0.1", 0))
    os.set_inheritable(listener.fileno(), True)
    process = subprocess.Popen(  # noqa: ASYNC220 - a benchmark has the loop to itself
        [sys.executable, "-c", HELLO, str(listener.fileno()), kind],
        pass_fds=[listener.fileno()],
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", process.pid
    finally:
        process.terminate()
        process.wait()
        listener.close()


@asynccontextmanager
async def server(*command: str) -> AsyncIterator[tuple[str, int, dict[str, str]]]:
    """The whole server: its address, its process, and a key's header."""
    environment = {"TERTULIA_RATE_LIMIT": "100000000/minute", "TERTULIA_LOG_LEVEL": "warning"}
    with tempfile.TemporaryDirectory() as folder:
        process, ready = start(Path(folder) / "data", *command, **environment)
        try:
            key = await key_of(ready["url"], ready["link"])
            yield ready["url"], process.pid, {"Authorization": f"Bearer {key}"}
        finally:
            stop(process)


async def main() -> int:
    seconds = 0.7 if "--quick" in sys.argv else 3.0
    async with (
        hello("bare") as bare,
        hello("surrounded") as surrounded,
        server() as whole,
        server("-c", BY_FASTAPI) as plain,
    ):
        url, pid, key = whole
        baseline = Layer("hello, on uvicorn alone", bare[0], "/", bare[1])
        ours = Layer("/api/me: + limit, key, access, the account", url, "/api/me", pid, key)
        layers = [
            baseline,
            Layer(
                "hello, + our headers, ids, limits of size, metrics",
                surrounded[0],
                "/",
                surrounded[1],
            ),
            Layer("/version: + table of routes, plan, JSON", url, "/version", pid),
            ours,
            Layer(
                "/api/me as FastAPI would route and answer it",
                plain[0],
                "/api/me",
                plain[1],
                plain[2],
            ),
            Layer("/api/spaces: + one transaction of one query", url, "/api/spaces", pid, key),
        ]
        for layer in layers:
            await layer.measure(seconds)
            layer.rates.clear()
            layer.cpu_us.clear()
        for _ in range(ROUNDS):
            for layer in layers:
                await layer.measure(seconds)
    print("answers a second, and CPU of the server's process for one:")
    for layer in layers:
        print(layer.line())
    ratio = at_least(
        "authenticated JSON read ÷ bare ASGI hello",
        median(ours.rates),
        median(baseline.rates),
        "answers/s",
        GOAL,
    )
    print(ratio.line())
    return 0 if ratio.holds else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
