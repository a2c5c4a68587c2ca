"""Identity's one chore: what has expired is cleared away once a day."""

from datetime import timedelta

from tertulia.identity.service import IdentityService
from tertulia.jobs import Jobs, Step
from tertulia.kernel.clock import Clock

SWEEP = "identity.sweep"
KEPT = timedelta(days=7)
"""How long an expired row stays, for those who ask why a link no longer works."""


def register(jobs: Jobs, identity: IdentityService, clock: Clock) -> None:
    """Says what the chore is, and when."""

    async def sweep(step: Step) -> None:
        await identity.sweep(step.tx, clock.now() - KEPT)

    jobs.register(SWEEP, sweep)
    jobs.schedule("23 4 * * *", SWEEP)
