"""The demo's durable job: one script, spoken and kept; twice changes nothing."""

from uuid import UUID

from tertulia.demo.domain import scripts
from tertulia.demo.service import PERFORM, Demo
from tertulia.identity.service import IdentityService
from tertulia.jobs import Jobs, Retry, Step
from tertulia.kernel.errors import NotFoundError


class DemoTasks:
    """Performs scripts for the job queue."""

    def __init__(self, demo: Demo, identity: IdentityService) -> None:
        self._demo = demo
        self._identity = identity

    def register(self, jobs: Jobs) -> None:
        jobs.register(PERFORM, self.perform, retry=Retry(attempts=3, first_seconds=5.0))

    async def perform(self, step: Step) -> None:
        """Speaks without holding a connection, and keeps what was spoken where the space is still there."""
        script = next((one for one in scripts() if one.id == step.args["script"]), None)
        if script is None:
            return
        space_id = UUID(step.args["space_id"])
        performance = await self._demo.perform(script)
        try:
            await self._identity.spaces.get(step.tx, space_id)
        except NotFoundError:
            return
        by = step.args["by"]
        await self._demo.keep(step.tx, space_id, script, performance, by=UUID(by) if by else None)
