"""The database: one engine, one unit of work, and errors a client can act on."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from sqlalchemy import MetaData, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from tertulia.kernel.errors import StorageFullError, TertuliaError, UnavailableError

AfterCommit = Callable[[], Awaitable[None] | None]


class Base(DeclarativeBase):
    """The parent of every table; names of constraints follow one convention, so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Transaction:
    """A unit of work: everything in it happens, or nothing does.

    It begins at its first query: a request that asks the database nothing costs it nothing.
    """

    __slots__ = ("_after_commit", "_engine", "_session")

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._session: AsyncSession | None = None
        self._after_commit: list[AfterCommit] = []

    @property
    def session(self) -> AsyncSession:
        """SQLAlchemy's session of this transaction."""
        if self._session is None:
            self._session = AsyncSession(self._engine, expire_on_commit=False)
        return self._session

    def after_commit(self, callback: AfterCommit) -> None:
        """Runs `callback` once everything is durable; never when it is rolled back."""
        self._after_commit.append(callback)

    async def raw(self) -> psycopg.AsyncConnection[Any]:
        """The psycopg connection of this transaction, for what must happen in it without SQLAlchemy."""
        connection = await self.session.connection()
        driver = (await connection.get_raw_connection()).driver_connection
        assert isinstance(driver, psycopg.AsyncConnection)
        return driver

    async def commit(self) -> None:
        """Makes everything so far durable and tells those who wait for it."""
        if self._session is not None:
            await self._session.commit()
        callbacks, self._after_commit = self._after_commit, []
        for callback in callbacks:
            result = callback()
            if inspect.isawaitable(result):
                await result

    async def rollback(self) -> None:
        """Undoes everything so far; nobody is told of it."""
        self._after_commit.clear()
        if self._session is not None:
            await self._session.rollback()

    async def close(self) -> None:
        """Gives the connection back; what was not committed is undone."""
        session, self._session = self._session, None
        if session is None:
            return
        if session.sync_session.in_transaction():
            # Whoever waits here may be cancelled; the connection goes back all the same.
            await asyncio.shield(asyncio.create_task(session.close()))
        else:
            session.sync_session.close()


class UnitOfWork:
    """One transaction from its beginning to its commit, or to its undoing when anything is raised."""

    __slots__ = ("_transaction",)

    # written out: the generator that a decorated function makes cost a tenth of a request

    def __init__(self, engine: AsyncEngine) -> None:
        self._transaction = Transaction(engine)

    async def __aenter__(self) -> Transaction:
        return self._transaction

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        with translated_errors():
            try:
                if error is None:
                    await self._transaction.commit()
            finally:
                await self._transaction.close()
        translated = translate(error)
        if translated is not None:
            raise translated from error


class Database:
    """PostgreSQL, embedded or given."""

    def __init__(self, conninfo: str, *, pool: int = 16) -> None:
        self.conninfo = conninfo
        self.engine = create_async_engine(
            "postgresql+psycopg://",
            async_creator=self._connect,
            pool_size=pool,
            max_overflow=0,
            pool_timeout=10,
            hide_parameters=True,  # values may be what people said; they stay out of exceptions
        )

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(
            self.conninfo, connect_timeout=5, application_name="tertulia"
        )

    def transaction(self) -> UnitOfWork:
        """Commits at the end, or rolls back when anything is raised."""
        return UnitOfWork(self.engine)

    async def ping(self) -> None:
        """Raises when the database does not answer."""
        with translated_errors():
            async with self.engine.connect() as connection:
                await connection.execute(text("select 1"))

    async def close(self) -> None:
        await self.engine.dispose()


class translated_errors:  # noqa: N801 - reads as the function it stands for; a class costs no generator
    """Turns a database that is away or full into an error that says so."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        translated = translate(error)
        if translated is not None:
            raise translated from error


def translate(error: BaseException | None) -> TertuliaError | None:
    """The error a client can act on, or None when there is nothing to translate."""
    if isinstance(error, PoolTimeoutError):
        return UnavailableError("The database has no connection free. Try again in a moment.")
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, psycopg.errors.DiskFull):
        return StorageFullError(
            "The database has no room left. Make room on its disk and try again."
        )
    if isinstance(cause, (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)):
        return UnavailableError("Two changes met. Try again.", retry_after_seconds=1)
    if isinstance(cause, (psycopg.OperationalError, psycopg.InterfaceError)):
        return UnavailableError("The database does not answer. Try again in a moment.")
    return None
