"""The queries on Procrastinate's tables that Procrastinate itself does not have.

Procrastinate finishes a job after its work is committed. Here the two are one transaction, fenced by the worker
that holds the job, so that a step counts exactly once whoever dies when.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from tertulia.jobs.domain import JobCounts, LostJobError
from tertulia.kernel.database import Transaction

ANY_QUEUE = "procrastinate_any_queue_v1"
"""The channel on which Procrastinate tells of new jobs."""

# A waiting job with the same key is kept and locked until this transaction ends: a worker that took it before
# would not see what the transaction changes.
ENQUEUE = """
with job as (
    insert into procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
    values (%s, %s, %s, %s, %s, %s, %s)
    on conflict (queueing_lock) where status = 'todo' do update set
        priority = greatest(procrastinate_jobs.priority, excluded.priority),
        scheduled_at = case
            when procrastinate_jobs.scheduled_at is null or excluded.scheduled_at is null then null
            else least(procrastinate_jobs.scheduled_at, excluded.scheduled_at)
        end
    returning id, xmax <> 0 as merged
)
select id, case when merged then pg_notify('procrastinate_any_queue_v1', json_build_object('type', 'job_inserted', 'job_id', id)::text) end from job
"""

ENQUEUE_MANY = """
insert into procrastinate_jobs (queue_name, task_name, priority, args, queueing_lock, lock, scheduled_at)
select %(queue)s, %(name)s, %(priority)s, item.args, item.key, item.lock, %(at)s
from unnest(%(args)s::jsonb[], %(keys)s::text[], %(locks)s::text[]) as item(args, key, lock)
on conflict (queueing_lock) where status = 'todo' do update set
    priority = greatest(procrastinate_jobs.priority, excluded.priority)
returning id
"""

FINISH = """
update procrastinate_jobs
set status = %s::procrastinate_job_status, attempts = attempts + 1, abort_requested = false
where id = %s and status = 'doing' and worker_id = %s
returning id
"""

PUT_BACK = """
with job as (
    update procrastinate_jobs
    set status = 'todo', worker_id = null, abort_requested = false, attempts = attempts + %(counts)s,
        scheduled_at = now() + make_interval(secs => %(wait_seconds)s)
    where id = %(id)s and status = 'doing' and worker_id = %(worker_id)s
    returning id
)
select id, pg_notify('procrastinate_any_queue_v1', json_build_object('type', 'job_inserted', 'job_id', id)::text) from job
"""

BEAT = """
insert into procrastinate_workers (id, last_heartbeat) overriding system value values (%(worker_id)s, now())
on conflict (id) do update set last_heartbeat = now()
"""

# Jobs of workers that died. The attempt counts, so that a job which kills its worker is not tried for ever.
RESCUE = """
with stalled as (
    select job.id
    from procrastinate_jobs as job
    left join procrastinate_workers as worker on worker.id = job.worker_id
    where job.status = 'doing'
      and (worker.id is null or worker.last_heartbeat < now() - make_interval(secs => %(dead_after_seconds)s))
    for update of job skip locked
), job as (
    update procrastinate_jobs
    set status = 'todo', worker_id = null, abort_requested = false, attempts = attempts + 1, scheduled_at = null
    from stalled
    where procrastinate_jobs.id = stalled.id
    returning procrastinate_jobs.id, task_name
)
select id, task_name, pg_notify('procrastinate_any_queue_v1', json_build_object('type', 'job_inserted', 'job_id', id)::text) from job
"""

# Procrastinate forgets older ticks when it notes a new one: a worker that lags must not bring an old one back.
TICK = """
select procrastinate_defer_periodic_job_v2(
    %(queue)s, %(lock)s, %(queueing_lock)s, %(name)s, %(priority)s, %(periodic_id)s, %(at)s, %(args)s
) as id
where not exists (
    select from procrastinate_periodic_defers
    where task_name = %(name)s and periodic_id = %(periodic_id)s and defer_timestamp >= %(at)s
)
"""

NEXT_DUE = """
select extract(epoch from min(scheduled_at) - now())::float as seconds
from procrastinate_jobs
where status = 'todo' and scheduled_at > now()
"""

COUNTS = """
select task_name as name,
    count(*) filter (where status = 'todo' and coalesce(scheduled_at <= now(), true)) as waiting,
    count(*) filter (where status = 'todo' and scheduled_at > now()) as scheduled,
    count(*) filter (where status = 'doing') as running,
    count(*) filter (where status = 'failed') as failed,
    coalesce(extract(epoch from now() - min(greatest(since.at, scheduled_at))
        filter (where status = 'todo' and coalesce(scheduled_at <= now(), true))), 0)::float
        as oldest_waiting_seconds
from procrastinate_jobs
left join lateral (
    select at from procrastinate_events where job_id = procrastinate_jobs.id and type = 'deferred' limit 1
) as since on status = 'todo'
where status in ('todo', 'doing', 'failed')
group by task_name order by task_name
"""

HELD = """
select queueing_lock from procrastinate_jobs where status = 'todo' and queueing_lock = any(%(keys)s)
union
select queueing_lock from procrastinate_jobs where status = 'doing' and queueing_lock = any(%(keys)s)
"""

WORKERS = """
select count(*) from procrastinate_workers where last_heartbeat > now() - make_interval(secs => %s)
"""

PRUNE = """
delete from procrastinate_jobs
where id in (
    select job.id from procrastinate_jobs as job
    where job.status = any(%(statuses)s::procrastinate_job_status[])
      and not exists (
        select from procrastinate_events as event
        where event.job_id = job.id and event.at >= now() - make_interval(hours => %(hours)s)
      )
    limit %(limit)s
)
"""


async def enqueue(
    tx: Transaction,
    *,
    queue: str,
    name: str,
    priority: int,
    lock: str | None,
    key: str | None,
    args: dict[str, Any],
    at: datetime | None,
) -> int:
    cursor = await (await tx.raw()).execute(
        ENQUEUE, (queue, name, priority, lock, key, Jsonb(args), at)
    )
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def enqueue_many(
    tx: Transaction,
    *,
    queue: str,
    name: str,
    priority: int,
    at: datetime | None,
    items: Sequence[tuple[dict[str, Any], str | None, str | None]],
) -> int:
    cursor = await (await tx.raw()).execute(
        ENQUEUE_MANY,
        {
            "queue": queue,
            "name": name,
            "priority": priority,
            "at": at,
            "args": [Jsonb(args) for args, _, _ in items],
            "keys": [key for _, key, _ in items],
            "locks": [lock for _, _, lock in items],
        },
    )
    return len(await cursor.fetchall())


async def finish(tx: Transaction, job_id: int, worker_id: int, status: str) -> None:
    """Ends the job together with what was done in `tx`, or not at all."""
    cursor = await (await tx.raw()).execute(FINISH, (status, job_id, worker_id))
    if await cursor.fetchone() is None:
        raise LostJobError


async def counts(tx: Transaction) -> list[JobCounts]:
    async with (await tx.raw()).cursor(row_factory=class_row(JobCounts)) as cursor:
        await cursor.execute(COUNTS)
        return await cursor.fetchall()


async def held_keys(tx: Transaction, keys: Sequence[str]) -> set[str]:
    """Those of `keys` for which a job waits or runs."""
    cursor = await (await tx.raw()).execute(HELD, {"keys": list(keys)})
    return {row[0] for row in await cursor.fetchall()}


async def workers(tx: Transaction, alive_seconds: float) -> int:
    cursor = await (await tx.raw()).execute(WORKERS, (alive_seconds,))
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def prune(tx: Transaction, statuses: list[str], hours: int, limit: int) -> int:
    cursor = await (await tx.raw()).execute(
        PRUNE, {"statuses": statuses, "hours": hours, "limit": limit}
    )
    return cursor.rowcount
