"""What a command works with: the same services the server has, on the same folder, beside a running one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tertulia.cli.terminal import Terminal
from tertulia.kernel.settings import load_settings
from tertulia.server import logs

if TYPE_CHECKING:
    from tertulia.server.ground import Standing
    from tertulia.server.wiring import Services


class Opened:
    """Services and a terminal: `opened.identity`, `opened.database`, `opened.out.table(…)`."""

    def __init__(self, services: "Services | Standing", out: Terminal) -> None:
        self.services = services
        self.out = out

    def __getattr__(self, name: str) -> Any:
        return getattr(self.services, name)


@asynccontextmanager
async def opened(
    data: Path | None = None, *, as_json: bool = False, **settings: Any
) -> AsyncIterator[Opened]:
    """Opens everything for one command, without running jobs and without holding the folder."""
    # all of the product is imported for it, which `--help` need not wait for
    from tertulia.server.wiring import opened_services

    loaded = load_settings(data=data, log_level="error", **settings)
    logs.configure(loaded)
    async with opened_services(loaded) as services:
        yield Opened(services, Terminal(as_json=as_json))


@asynccontextmanager
async def opened_people(
    data: Path | None = None, *, as_json: bool = False
) -> AsyncIterator[Opened]:
    """Opens what a command about people and their keys needs, without what conversations need."""
    from tertulia.server.ground import opened_ground

    loaded = load_settings(data=data, log_level="error")
    logs.configure(loaded)
    async with opened_ground(loaded) as services:
        yield Opened(services, Terminal(as_json=as_json))
