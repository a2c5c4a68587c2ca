"""Messages too long for a notification, and the notifications themselves."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from tertulia.kernel.database import Base

NOTIFY = "select pg_notify(%s, %s)"
NOTIFY_MANY = "select pg_notify(%s, message) from unnest(%s::text[]) as message"
KEEP = "insert into event_payload (id, body) values (%s, %s)"
FETCH = "select body from event_payload where id = %s"
SWEEP = "delete from event_payload where at < now() - make_interval(secs => %s)"


class EventPayload(Base):
    """The body of a message that does not fit into a notification, until everybody has read it."""

    __tablename__ = "event_payload"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012 - SQLAlchemy's own name and shape

    id: Mapped[UUID] = mapped_column(primary_key=True)
    body: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), index=True
    )
