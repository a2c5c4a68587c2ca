"""The socket for captions on another screen: it only listens, on whatever server the session is held."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from starlette.types import Receive, Scope, Send

from tertulia.doors.live import protocol
from tertulia.doors.live.confirming import replayed
from tertulia.doors.live.connection import Connection, accepted, guarded, until_revoked
from tertulia.doors.live.direct import direct_of
from tertulia.doors.live.domain import SessionMissingError, StreamingSession
from tertulia.doors.live.entry import Doorkeeper, Visitor, query, session_id_of
from tertulia.doors.live.errors import Close, Code, LiveError
from tertulia.doors.live.node import LISTENED_SECONDS, LiveNode, over, topic_of
from tertulia.doors.live.service import LiveService
from tertulia.doors.live.tokens import RENEW_SECONDS, TokenRole
from tertulia.events.service import Events
from tertulia.kernel.clock import Clock
from tertulia.kernel.database import Database

PATH = "/api/realtime/captions"
SHOWN_FINALS = 50
MOST_BEHIND = 512


class CaptionSocket:
    """An ASGI application for `PATH`."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        service: LiveService,
        node: LiveNode,
        doorkeeper: Doorkeeper,
        events: Events,
    ) -> None:
        self._database = database
        self._clock = clock
        self._service = service
        self._node = node
        self._doorkeeper = doorkeeper
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not await accepted(scope, receive, send):
            return
        connection = Connection(send, self._clock, direct_of(scope))
        async with guarded(connection):
            visitor, session_id = await self._enter(scope)
            topic = topic_of(session_id)
            async with self._events.subscribe(topic, capacity=MOST_BEHIND) as events:
                await self._opened(visitor, session_id, connection)
                tasks = [
                    asyncio.create_task(until_revoked(visitor.principal, connection)),
                    asyncio.create_task(self._keep_asking(session_id, connection)),
                    asyncio.create_task(self._forward(events, visitor, session_id, connection)),
                ]
                try:
                    await self._read(receive, session_id, connection)
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)

    async def _enter(self, scope: Scope) -> tuple[Visitor, UUID]:
        parameters = query(scope)
        visitor = await self._doorkeeper.visitor(scope)
        session_id = session_id_of(parameters)
        if session_id is None and visitor.session is not None:
            session_id = visitor.session.session_id
        if session_id is None:
            raise SessionMissingError
        session = await self._doorkeeper.listener(visitor, session_id)
        if session.status.is_over:
            raise over(session)
        return visitor, session_id

    async def _forward(
        self, events: Any, visitor: Visitor, session_id: UUID, connection: Connection
    ) -> None:
        async for event in events:
            if event.is_missed:
                await self._opened(visitor, session_id, connection)
            elif event.type == "session_completed":
                connection.end(Close.DONE, event.type, event.data)
                return
            else:
                connection.tell(event.type, event.data)

    async def _opened(self, visitor: Visitor, session_id: UUID, connection: Connection) -> None:
        """All that is to be shown at this moment; what follows builds on it."""
        self._node.listening(session_id)
        async with self._database.transaction() as tx:
            session = await self._service.find(tx, session_id)
            if session is None:
                raise SessionMissingError
            finals = await self._service.finals(tx, session, limit=SHOWN_FINALS)
        shown = [protocol.result_data(replayed(session_id, segment)) for segment in finals]
        connection.tell("captions_opened", self._snapshot(session, shown))
        if session.status.is_over:
            connection.end(Close.OVER)

    def _snapshot(
        self, session: StreamingSession, finals: list[dict[str, Any]]
    ) -> Mapping[str, Any]:
        running = self._node.find(session.session_id)
        partial = running.confirming.partial if running is not None else None
        return {
            "session_id": str(session.session_id),
            "transcript_id": str(session.transcript_id),
            "status": session.status.value,
            "language": session.language,
            "title": session.title,
            "finals": finals,
            "partial": protocol.result_data(partial) if partial else None,
            **self._node.token(session, TokenRole.LISTENER),
        }

    async def _keep_asking(self, session_id: UUID, connection: Connection) -> None:
        """Tells the server that holds the session that somebody follows it, and the listener its next token."""
        renew_at = self._clock.monotonic() + RENEW_SECONDS
        while True:
            await self._clock.sleep(LISTENED_SECONDS / 3)
            self._node.listening(session_id)
            if self._clock.monotonic() >= renew_at:
                renew_at += RENEW_SECONDS
                async with self._database.transaction() as tx:
                    session = await self._service.find(tx, session_id)
                if session is not None:
                    connection.tell("token", self._node.token(session, TokenRole.LISTENER))

    async def _read(self, receive: Receive, session_id: UUID, connection: Connection) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect" or connection.ended:
                return
            said = None
            if (text := message.get("text")) is not None:
                try:
                    said = protocol.read_text(text, session_id, "")
                except LiveError as error:
                    connection.refuse(error)
                    continue
            if not isinstance(said, protocol.Ping):
                refused = "A listener only sends `ping`."
                connection.refuse(LiveError(Code.INVALID_MESSAGE, refused))
                continue
            now = self._clock.now().isoformat()
            connection.tell(
                "pong",
                {
                    "id": said.id,
                    "sent_at_ms": said.sent_at_ms,
                    "server_time": now,
                    "received_seq": 0,
                    "committed_seq": 0,
                },
            )
