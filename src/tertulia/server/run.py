"""Runs the server: takes the port, says when it is ready, stops in order."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn

from tertulia.kernel.errors import StartError
from tertulia.kernel.settings import Settings
from tertulia.server.protocol import PatientHttpProtocol
from tertulia.server.websocket import DirectWebSocketProtocol

COLLECT_AFTER = (20_000, 20, 50)
"""How much may be made before cycles are looked for: what a server keeps is much, and hardly any of it is in cycles."""
TICK_SECONDS = 1.0
"""How often the date in answers is written anew."""


def listen(settings: Settings) -> socket.socket:
    """Takes the port before anything else is started, so that one in use is found out at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except PermissionError:
        listener.close()
        raise StartError(
            f"Port {settings.port} needs rights this user does not have. Choose one above 1023 with --port."
        ) from None
    except OSError as error:
        listener.close()
        raise StartError(
            f"{settings.host}:{settings.port} cannot be used ({os.strerror(error.errno or 0)}). "
            "Choose another with --port, or 0 for any free one, or stop the program that holds it."
        ) from None
    return listener


def address(settings: Settings, listener: socket.socket) -> str:
    """Where people reach the server."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    port = listener.getsockname()[1]
    everywhere = settings.host in ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to
    host = "localhost" if everywhere else settings.host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Signals:
    """SIGTERM and Ctrl+C: before serving they give up the start, while serving they end it in order."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._server: _Announcing | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._received)

    def stop(self, server: "_Announcing") -> None:
        """From now on a signal stops `server` and lets the caller go on."""
        self._server = server

    def _received(self) -> None:
        if self._server is None:
            assert self._task is not None
            self._task.cancel()
        elif self._server.should_exit:
            self._server.force_exit = True
        else:
            self._server.end()


class _Announcing(uvicorn.Server):
    """A uvicorn that tells when it has begun to listen, and leaves signals to `Signals`.

    uvicorn raises a captured signal again when it has stopped, which would end the process before the
    database and the jobs are closed.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._ready = ready
        self._ended = asyncio.Event()

    def end(self) -> None:
        """Begins the end in order."""
        self.should_exit = True
        self._ended.set()

    async def main_loop(self) -> None:
        # uvicorn looks ten times a second whether it should end; here whoever ends it says so
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._ended.wait()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        await self._ready()


async def serve(
    app: Any,
    settings: Settings,
    listener: socket.socket,
    ready: Callable[[], Awaitable[None]],
    signals: Signals,
) -> None:
    """Serves until a signal says stop; then lets requests under way end."""
    PatientHttpProtocol.header_seconds = min(
        PatientHttpProtocol.header_seconds, settings.request_timeout_seconds
    )
    config = uvicorn.Config(
        app,
        http=PatientHttpProtocol,
        ws=DirectWebSocketProtocol,
        ws_max_size=4 * 1_048_576,
        ws_per_message_deflate=False,  # sound does not shrink, and it would cost every frame
        ws_ping_interval=20,
        ws_ping_timeout=20,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        backlog=2048,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, int(settings.shutdown_seconds)),
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies) or None,
    )
    server = _Announcing(config, ready)
    signals.stop(server)
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    await server.serve(sockets=[listener])
