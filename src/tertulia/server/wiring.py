"""The whole product put together, to be read from top to bottom: which part gets which port."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from tertulia.kernel.clock import SystemClock
from tertulia.kernel.database import Database
from tertulia.kernel.settings import Settings
from tertulia.server.health import Check
from tertulia.server.metrics import Metrics
from tertulia.server.storage import Storage, opened_storage


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a server, a worker or a command works with."""

    settings: Settings
    clock: SystemClock
    metrics: Metrics
    storage: Storage
    database: Database
    started_at: datetime

    def checks(self) -> dict[str, Check]:
        """What /readyz asks."""
        return {"database": self.database.ping}

    async def refresh_metrics(self) -> None:
        """Reads the figures that nobody counts as they happen."""

    async def first_start_link(self, url: str) -> str | None:
        """The one-time link that makes the first account, or None when there is one."""
        return None


@asynccontextmanager
async def opened_services(
    settings: Settings, *, server: bool = False, url: str | None = None
) -> AsyncIterator[Services]:
    """Opens everything in order, and closes it in the reverse one."""
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        metrics = Metrics()
        storage = await stack.enter_async_context(
            opened_storage(settings, claim=server, watch=server)
        )
        yield Services(
            settings=settings,
            clock=clock,
            metrics=metrics,
            storage=storage,
            database=storage.database,
            started_at=clock.now(),
        )
