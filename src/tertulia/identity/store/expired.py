"""Rows whose time is over, and their removal."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete

from tertulia.identity.store.tables import (
    GuestTokenRow,
    InvitationRow,
    OidcAttemptRow,
    UserSessionRow,
)
from tertulia.kernel.database import Transaction


class ExpiredStore:
    """Sign-ins, invitations, guests and single sign-ons that nobody can use any more."""

    async def remove(self, tx: Transaction, before: datetime) -> int:
        """Removes what expired before then, and says how much that was."""
        removed = 0
        for table in (UserSessionRow, InvitationRow, GuestTokenRow, OidcAttemptRow):
            result = await tx.session.execute(delete(table).where(table.expires_at <= before))
            removed += cast("CursorResult[Any]", result).rowcount
        return removed
