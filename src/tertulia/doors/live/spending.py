"""What a live session used of an engine, as the ledger takes it."""

from tertulia.doors.live.domain import StreamingSession
from tertulia.ledger.domain import Unit, Use
from tertulia.speech.domain import SAMPLE_RATE_HZ

DOOR = "live"


def use_of(session: StreamingSession) -> Use | None:
    """One use of the engine that heard it, of a chain the last one; None where nothing was heard."""
    engine = (session.provider or session.engine or "").split("|")[-1].split(",")[0]
    if not engine or not session.progress.position:
        return None
    return Use(
        door=DOOR,
        space_id=session.space_id,
        engine=engine,
        unit=Unit.SECONDS,
        quantity=round(session.progress.position / SAMPLE_RATE_HZ, 3),
        transcript_id=session.transcript_id,
        user_id=session.user_id,
        api_key_id=session.credential_id if session.credential_kind == "key" else None,
    )
