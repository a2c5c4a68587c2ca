"""What is done for live sessions by the clock: ending those left behind, forgetting old logs."""

from datetime import timedelta

from tertulia.doors.live.service import LiveService
from tertulia.jobs.domain import NEVER
from tertulia.jobs.service import Jobs, Step

SWEEP = "live.sweep"
PURGE = "live.purge"


def register(jobs: Jobs, service: LiveService, *, keep_log_days: int) -> None:
    """Both read the truth from the rows, so that missing one run or doing it twice changes nothing."""

    async def sweep(_: Step) -> None:
        await service.sweep()

    async def purge(_: Step) -> None:
        await service.purge(timedelta(days=keep_log_days))

    jobs.register(SWEEP, sweep, retry=NEVER)
    jobs.register(PURGE, purge, retry=NEVER)
    jobs.schedule("* * * * *", SWEEP)
    jobs.schedule("23 3 * * *", PURGE)
