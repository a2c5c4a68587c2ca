"""Runs jobs: inside the server, or as a process of its own."""

import asyncio
import logging
import random
import time
import traceback
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from procrastinate import App, exceptions
from procrastinate.job_context import JobContext
from procrastinate.worker import Worker as ProcrastinateWorker

from tertulia.jobs import store
from tertulia.jobs.control import POLL_SECONDS, ControlConnector, JobControl
from tertulia.jobs.domain import JobReport, LostJobError, PermanentJobError, RetryJobError
from tertulia.jobs.service import CORRELATION, JobDefinition, Jobs, Step
from tertulia.kernel.database import Transaction
from tertulia.kernel.errors import TertuliaError
from tertulia.kernel.http import correlation_id
from tertulia.kernel.ids import new_id

log = logging.getLogger(__name__)

# Procrastinate writes the arguments of jobs into its lines; ours below say the same without them.
logging.getLogger("procrastinate").setLevel(logging.CRITICAL)


class Worker:
    """Takes jobs and runs them until it is stopped; any number of them share the queues."""

    def __init__(
        self,
        jobs: Jobs,
        *,
        concurrency: int = 4,
        shutdown_seconds: float = 20.0,
        queues: Sequence[str] | None = None,
        heartbeat_seconds: float = 5.0,
        dead_after_seconds: float = 20.0,
    ) -> None:
        self._jobs = jobs
        self._concurrency = concurrency
        self._shutdown_seconds = shutdown_seconds
        self._queues = list(queues) if queues else None
        self._heartbeat_seconds = heartbeat_seconds
        self._dead_after_seconds = dead_after_seconds
        self._control: JobControl | None = None
        self._current: ProcrastinateWorker | None = None
        self._asked_to_stop = False
        self._watchers: list[Callable[[JobReport], None]] = []

    def watch(self, watcher: Callable[[JobReport], None]) -> None:
        """Has `watcher` told of every try that ends here."""
        self._watchers.append(watcher)

    def stop(self) -> None:
        """Asks for the end: nothing new is taken, what is under way is finished or given back."""
        self._asked_to_stop = True
        if self._control is not None:
            self._control.stopping.set()
        if self._current is not None:
            self._current.stop()  # type: ignore[no-untyped-call]

    async def run(self, *, until_idle: bool = False) -> None:
        """Runs until `stop` is called or the task is cancelled; with `until_idle`, until nothing is due,
        and the clock is left alone."""
        connector = ControlConnector(self._jobs.database.conninfo)
        control = JobControl(connector, dead_after_seconds=self._dead_after_seconds)
        self._control = control
        if self._asked_to_stop:
            control.stopping.set()
        try:
            failures = 0
            while not control.stopping.is_set():
                started = time.monotonic()
                ran = control.ran
                try:
                    await self._run_once(control, until_idle=until_idle)
                except (exceptions.ConnectorException, OSError) as error:
                    log.warning(
                        "the worker lost the database (%s), trying again", type(error).__name__
                    )
                else:
                    if until_idle and control.ran == ran:
                        return
                    if until_idle:
                        continue
                failures = 0 if time.monotonic() - started > POLL_SECONDS else failures + 1
                await control.pause(failures)
        finally:
            self._control = self._current = None
            self._asked_to_stop = False
            await connector.close_async()

    async def _run_once(self, control: JobControl, *, until_idle: bool) -> None:
        worker = ProcrastinateWorker(
            app=self._app(control, schedules=not until_idle),
            queues=self._queues,
            concurrency=self._concurrency,
            wait=not until_idle,
            fetch_job_polling_interval=POLL_SECONDS,
            abort_job_polling_interval=POLL_SECONDS,
            shutdown_graceful_timeout=self._shutdown_seconds,
            listen_notify=not until_idle,
            install_signal_handlers=False,
            update_heartbeat_interval=self._heartbeat_seconds,
            stalled_worker_timeout=self._dead_after_seconds,
        )

        def set_poll_seconds(seconds: float) -> None:
            worker.fetch_job_polling_interval = seconds

        control.set_poll_seconds = set_poll_seconds
        self._current = worker
        await worker.run()  # type: ignore[no-untyped-call]

    def _app(self, control: JobControl, *, schedules: bool) -> App:
        app = App(connector=control.connector)
        app.job_manager = control
        for definition in self._jobs.definitions.values():
            app.task(name=definition.name, queue=definition.queue, pass_context=True)(
                self._task(definition, control)
            )
        for number, schedule in enumerate(self._jobs.schedules if schedules else []):
            app.periodic_registry.register_task(
                task=app.tasks[schedule.name],
                cron=schedule.cron,
                periodic_id="" if not schedule.args else f"{schedule.cron}#{number}",
                configure_kwargs={
                    "task_kwargs": dict(schedule.args),
                    "queueing_lock": f"{schedule.name}:@{schedule.cron}#{number}",
                },
            )
        return app

    def _task(
        self, definition: JobDefinition, control: JobControl
    ) -> Callable[..., Coroutine[Any, Any, None]]:
        async def task(context: JobContext, **args: Any) -> None:
            await _Run(self._jobs, definition, control, context, self._report).run(args)

        return task

    def _report(self, report: JobReport) -> None:
        log.info(
            "job %s [%s] %s, try %s, %.0f ms",
            report.name,
            report.job_id,
            report.outcome,
            report.attempt,
            report.duration_ms,
        )
        for watcher in self._watchers:
            watcher(report)


class _Run:
    """One try of one job, to its end: succeeded, to be tried again, given up, or given back."""

    def __init__(
        self,
        jobs: Jobs,
        definition: JobDefinition,
        control: JobControl,
        context: JobContext,
        report: Callable[[JobReport], None],
    ) -> None:
        self._report = report
        self._jobs = jobs
        self._definition = definition
        self._control = control
        self._job = context.job
        assert self._job.id is not None
        assert self._job.worker_id is not None
        self._id = self._job.id
        self._worker_id = self._job.worker_id
        self._attempt = self._job.attempts + 1

    async def run(self, args: dict[str, Any]) -> None:
        correlation_id.set(args.pop(CORRELATION, None) or str(new_id()))
        self._control.ran += 1
        started = time.monotonic()
        try:
            outcome = await self._try(args)
        except asyncio.CancelledError:
            await self._control.put_back(self._job, wait_seconds=0, counts=False)
            self._say("gave back", started)
            raise
        except LostJobError:
            self._control.settled(self._job)
            outcome = "lost"
        except Exception as error:  # noqa: BLE001 - whatever a handler raises decides over its job alone
            outcome = await self._failed(args, error)
        self._say(outcome, started)

    async def _try(self, args: dict[str, Any]) -> str:
        if self._attempt > self._definition.retry.attempts:
            raise PermanentJobError("Its workers died each time it was tried.")
        async with self._jobs.database.transaction() as tx:
            step = Step(
                tx=tx,
                args=args,
                job_id=self._id,
                attempt=self._attempt,
                last=self._attempt == self._definition.retry.attempts,
                database=self._jobs.database,
            )
            async with asyncio.timeout(self._definition.timeout_seconds):
                await self._definition.handler(step)
            await tx.session.flush()
            await store.finish(tx, self._id, self._worker_id, "succeeded")
        self._control.settled(self._job)
        return "succeeded"

    async def _failed(self, args: dict[str, Any], error: Exception) -> str:
        wait_seconds = self._wait_seconds(error)
        log.warning(
            "job %s [%s] failed: %s",
            self._definition.name,
            self._id,
            _told(error),
        )
        if wait_seconds is None:
            await self._give_up(args, error)
            return "gave up"
        await self._control.put_back(self._job, wait_seconds=wait_seconds)
        return f"again in {wait_seconds:.0f} s"

    def _wait_seconds(self, error: Exception) -> float | None:
        if isinstance(error, PermanentJobError):
            return None
        chance = random.random()  # noqa: S311 - spreads load, guards nothing
        wait = self._definition.retry.wait_seconds(self._attempt, chance)
        if wait is not None and isinstance(error, RetryJobError):
            return error.after_seconds
        return wait

    async def _give_up(self, args: dict[str, Any], error: Exception) -> None:
        async def mark(tx: Transaction) -> None:
            if self._definition.on_give_up is not None:
                await self._definition.on_give_up(tx, args, error)

        try:
            async with self._jobs.database.transaction() as tx:
                await mark(tx)
                await store.finish(tx, self._id, self._worker_id, "failed")
        except LostJobError:
            log.info("job %s [%s] was given to another worker", self._definition.name, self._id)
        except Exception as second:  # noqa: BLE001 - the job must outlive what it was to leave behind
            log.error(
                "job %s [%s] could not give up: %s", self._definition.name, self._id, _told(second)
            )
            await self._control.put_back(self._job, wait_seconds=60, counts=False)
        self._control.settled(self._job)

    def _say(self, outcome: str, started: float) -> None:
        self._report(
            JobReport(
                name=self._definition.name,
                job_id=self._id,
                attempt=self._attempt,
                outcome=outcome,
                duration_ms=(time.monotonic() - started) * 1000,
            )
        )


def _told(error: Exception) -> str:
    """What may be logged of an error: our own say what happened, others may hold content and only show their way."""
    if isinstance(error, TertuliaError):
        return f"{type(error).__name__}: {error.detail}"
    return f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__)).rstrip()}"
