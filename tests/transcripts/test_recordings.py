"""Recordings in the hall: what was read becomes a conversation that can be listened to, and goes as one."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from tests.fixtures.identity import Person
from tests.fixtures.transcripts import Begin, Told, Tone

from tertulia.blobs.intake import from_bytes
from tertulia.blobs.service import BlobService
from tertulia.jobs import Jobs
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database
from tertulia.speech.decoding import AudioUnreadableError
from tertulia.speech.domain import Recognition, Segment, Word
from tertulia.speech.transcriptions.domain import Owner, Transcription, Wishes
from tertulia.speech.transcriptions.service import TranscriptionService
from tertulia.transcripts.domain import Draft, Kind, State, Transcript
from tertulia.transcripts.recordings import Recordings
from tertulia.transcripts.service import TranscriptService

pytestmark = pytest.mark.db

Drain = Callable[[], Awaitable[None]]
SOUND = bytes(range(200))
TEXT = Recognition(
    (
        Segment("buenos días", 0.5, 1.5, (Word("buenos", 0.5, 1.0), Word("días", 1.0, 1.5)), "es"),
        Segment("hola", 2.0, 2.5, speaker="B", channel=1, confidence=0.8),
        Segment(" ", 2.5, 2.6),
    ),
    "es",
    3.0,
    "gladia|whisper",
)


@pytest.fixture
def transcriptions(
    hall: TranscriptService,
    hall_recordings: Recordings,
    hall_blobs: BlobService,
    hall_clock: HeldClock,
    jobs: Jobs,
) -> TranscriptionService:
    """What hands recordings over, wired to the hall both ways."""
    service = TranscriptionService(
        blobs=hall_blobs,
        jobs=jobs,
        clock=hall_clock,
        check=lambda _: None,
        max_upload_bytes=1000,
        hall=hall_recordings,
    )
    hall.before_erasure(service.forget)

    async def unread(_: object) -> None:
        raise AssertionError("these tests read themselves")

    jobs.register("transcriptions.read", unread)
    return service


Read = Callable[[], Awaitable[Transcription]]


@pytest.fixture
def read(
    database: Database, transcriptions: TranscriptionService, jobs: Jobs, owner: Person
) -> Read:
    """Hands over a recording and reads it, each in a transaction."""

    async def read() -> Transcription:
        async with database.transaction() as tx:
            made = await transcriptions.create(
                tx,
                Owner(owner.space.id, owner.user.id),
                from_bytes(SOUND),
                name="año nuevo.mp3",
                content_type="audio/mpeg",
                wishes=Wishes(),
            )
            await tx.session.execute(text("delete from procrastinate_jobs"))
        async with database.transaction() as tx:
            begun = await transcriptions.begin(tx, made.id)
            assert begun is not None
            await transcriptions.finish(tx, begun, TEXT)
        return made

    return read


async def find(database: Database, hall: TranscriptService, id_: UUID) -> Transcript:
    async with database.transaction() as tx:
        return await hall.get(tx, None, id_)


async def test_what_was_read_is_a_conversation_one_can_listen_to(
    database: Database,
    hall: TranscriptService,
    hall_api: httpx.AsyncClient,
    read: Read,
    owner: Person,
    member: Person,
    told: Told,
    drain_jobs: Drain,
) -> None:
    made = await read()
    found = await find(database, hall, made.id)
    assert (found.kind, found.title, found.state) == (Kind.FILES, "año nuevo", State.FINAL)
    assert (found.language, found.provider, found.duration_seconds) == ("es", "gladia|whisper", 3.0)
    assert [type_ for _, type_, _ in told.events] == ["transcript.opened", "transcript.final"]
    assert "hola" not in str(told.events)

    url = f"/api/transcripts/{made.id}"
    waiting = await hall_api.get(f"{url}/waveform", headers=owner.headers)
    assert waiting.json() == {"ready": False, "duration_seconds": 0.0, "peaks": []}
    await drain_jobs()

    seen = (await hall_api.get(url, headers=member.headers)).json()
    assert seen["document"]["version"] == 1
    assert seen["audio"]["content_type"] == "audio/mpeg"
    part = {**member.headers, "Range": "bytes=10-19"}
    heard = await hall_api.get(seen["audio"]["url"], headers=part)
    assert (heard.status_code, heard.content) == (206, SOUND[10:20])
    drawn = await hall_api.get(f"{seen['audio']['waveform_url']}?points=10", headers=owner.headers)
    assert drawn.json()["duration_seconds"] == 1.0
    loud, silent = drawn.json()["peaks"]
    assert (loud, silent) == ([0.502] * 5 + [1.0] * 5, [0.0] * 10)
    said = (await hall_api.get(f"{url}/segments", headers=owner.headers)).json()["items"]
    assert [(s["utterance_id"], s["text"], s["channel"], len(s["words"])) for s in said] == [
        ("s1", "buenos días", None, 2),
        ("s2", "hola", 1, 0),
    ]


async def test_it_goes_from_both_sides_as_one(
    database: Database,
    hall: TranscriptService,
    transcriptions: TranscriptionService,
    read: Read,
    owner: Person,
    told: Told,
    drain_jobs: Drain,
) -> None:
    first, second = await read(), await read()
    await drain_jobs()
    async with database.transaction() as tx:
        await hall.delete(tx, [owner.space.id], first.id)
    async with database.transaction() as tx:
        await transcriptions.delete(tx, Owner(owner.space.id, owner.user.id), second.id)
    async with database.transaction() as tx:
        for table in ("transcripts", "transcriptions", "transcript_waveforms", "blob"):
            left = await tx.session.scalar(text(f"select count(*) from {table}"))
            assert left == 0, table
    erased = [data["id"] for _, type_, data in told.events if type_ == "transcript.erased"]
    assert erased == [str(first.id), str(second.id)]


async def test_what_the_decoder_refuses_is_measured_once(
    database: Database,
    hall_api: httpx.AsyncClient,
    read: Read,
    owner: Person,
    tone: Tone,
    drain_jobs: Drain,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AudioUnreadableError

    monkeypatch.setattr(tone, "open", refuse)
    made = await read()
    await drain_jobs()
    drawn = await hall_api.get(f"/api/transcripts/{made.id}/waveform", headers=owner.headers)
    assert drawn.json() == {"ready": True, "duration_seconds": 0.0, "peaks": []}


async def test_without_a_recording_it_is_said(
    hall_api: httpx.AsyncClient, owner: Person, begin: Begin
) -> None:
    made = await begin("x")
    for part in ("audio", "waveform"):
        answer = await hall_api.get(f"/api/transcripts/{made.id}/{part}", headers=owner.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "blob_missing")
    seen = await hall_api.get(f"/api/transcripts/{made.id}", headers=owner.headers)
    assert seen.json()["audio"] is None


async def test_lanes_say_who_is_heard_when(
    database: Database,
    hall: TranscriptService,
    hall_api: httpx.AsyncClient,
    owner: Person,
    outsider: Person,
    begin: Begin,
) -> None:
    made = await begin()
    async with database.transaction() as tx:
        await hall.append(
            tx,
            made.id,
            [
                Draft("a", "one", 0, 2, speaker="Ana", channel=0),
                Draft("b", "two", 2.2, 4, speaker="Ana", channel=0),
                Draft("c", "inside the last", 2.5, 3, speaker="Ana", channel=0),
                Draft("d", "other", 3, 4, speaker="Eva", person="p-1", channel=1),
                Draft("e", "later", 9, 10, speaker="Ana", channel=0),
                Draft("f", "not said yet", 10, 30, speaker="Eva", channel=1, is_final=False),
            ],
        )
    url = f"/api/transcripts/{made.id}/speakers"
    ana, eva = (await hall_api.get(url, headers=owner.headers)).json()["items"]
    assert (ana["speaker"], ana["segments"], ana["stretches"]) == ("Ana", 4, [[0, 4], [9, 10]])
    assert (eva["person"], eva["channel"], eva["stretches"]) == ("p-1", 1, [[3, 4]])
    assert (ana["share"] + eva["share"], round(eva["share"], 3)) == (1.0, round(1 / 6.3, 3))
    assert (await hall_api.get(url, headers=outsider.headers)).status_code == 404
