"""What a command works with: the same services the server has, on the same folder, beside a running one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tertulia.cli.terminal import Terminal
from tertulia.kernel.settings import load_settings
from tertulia.server import logs
from tertulia.server.wiring import Services, opened_services


class Opened:
    """Services and a terminal: `opened.identity`, `opened.database`, `opened.out.table(…)`."""

    def __init__(self, services: Services, out: Terminal) -> None:
        self.services = services
        self.out = out

    def __getattr__(self, name: str) -> Any:
        return getattr(self.services, name)


@asynccontextmanager
async def opened(
    data: Path | None = None, *, as_json: bool = False, **settings: Any
) -> AsyncIterator[Opened]:
    """Opens everything for one command, without running jobs and without holding the folder."""
    loaded = load_settings(data=data, log_level="error", **settings)
    logs.configure(loaded)
    async with opened_services(loaded) as services:
        yield Opened(services, Terminal(as_json=as_json))
