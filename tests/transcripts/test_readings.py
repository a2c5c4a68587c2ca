"""A conversation read again: beside the current text, compared with it, chosen, and back."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from tests.fixtures.identity import Person
from tests.fixtures.transcripts import Begin, Reader, Told
from tests.transcripts.test_meaning import Spent

from tertulia.blobs.intake import from_bytes
from tertulia.blobs.service import BlobService
from tertulia.jobs import Jobs, Worker
from tertulia.kernel.clock import HeldClock
from tertulia.kernel.database import Database
from tertulia.kernel.errors import UnavailableError
from tertulia.ledger.domain import Prices
from tertulia.speech.decoding import AudioUnreadableError
from tertulia.speech.domain import Recognition, Segment, Word
from tertulia.speech.transcriptions.domain import Wishes
from tertulia.transcripts.domain import Draft, Reading, ReadingStatus, Transcript
from tertulia.transcripts.readings import Readings
from tertulia.transcripts.recordings import Recordings
from tertulia.transcripts.service import TranscriptService
from tertulia.transcripts.tasks import ReadingTasks

pytestmark = pytest.mark.db

Drain = Callable[[], Awaitable[None]]
BETTER = Recognition(
    (
        Segment("Hola a todas", 0.0, 1.0, (Word("Hola", 0.0, 0.4), Word("a", 0.4, 0.6)), channel=0),
        Segment("muy bien", 2.0, 3.0, channel=1),
    ),
    "es",
    3.0,
    "whisper",
)


@pytest.fixture
async def made(
    database: Database,
    hall: TranscriptService,
    hall_recordings: Recordings,
    hall_blobs: BlobService,
    begin: Begin,
) -> Transcript:
    """A final conversation with its recording, in which one channel is Ana's and the other several people's."""
    made = await begin(language="es", provider="sherpa")
    async with database.transaction() as tx:
        drafts = [
            Draft("u1", "hola a todos", 0, 1, speaker="Ana", person="p-1", channel=0),
            Draft("u2", "bien", 2, 2.5, speaker="Eva", channel=1),
            Draft("u3", "y tú", 2.5, 3, channel=1),
        ]
        await hall.append(tx, made.id, drafts)
        blob = await hall_blobs.put(
            tx, from_bytes(b"sound"), kind="recording", content_type="audio/ogg"
        )
        await hall_recordings.attach(tx, made.id, blob)
        return await hall.finish(tx, None, made.id)


class Api:
    """The readings of one conversation, as its owner."""

    def __init__(self, client: httpx.AsyncClient, who: Person, made: Transcript) -> None:
        self._client, self._who = client, who
        self.url = f"/api/transcripts/{made.id}"

    async def get(self, path: str = "/readings") -> Any:
        answer = await self._client.get(self.url + path, headers=self._who.headers)
        return answer.json()

    async def post(self, path: str = "/readings", **body: Any) -> httpx.Response:
        return await self._client.post(self.url + path, json=body, headers=self._who.headers)

    async def delete(self, path: str) -> httpx.Response:
        return await self._client.delete(self.url + path, headers=self._who.headers)

    async def texts(self, path: str = "/segments") -> list[str]:
        return [s["text"] for s in (await self.get(path))["items"]]


@pytest.fixture
def api(hall_api: httpx.AsyncClient, owner: Person, made: Transcript) -> Api:
    return Api(hall_api, owner, made)


async def test_another_engine_s_text_stands_beside_the_current_one(
    api: Api, reader: Reader, drain_jobs: Drain, told: Told
) -> None:
    first = (await api.get())["items"]
    assert [(r["number"], r["engine"], r["is_current"]) for r in first] == [(1, "sherpa", True)]
    reader.answers = [BETTER]
    asked = await api.post(engine="whisper", channels=True)
    assert (asked.status_code, asked.json()["number"], asked.json()["status"]) == (
        202,
        2,
        "pending",
    )
    assert (await api.get("/readings/2/segments"))["code"] == "reading_unfinished"
    await drain_jobs()

    assert [(sound, wishes.language, wishes.split) for sound, wishes in reader.asked] == [
        (b"sound", "es", True)
    ]
    second = (await api.get())["items"][1]
    assert (second["status"], second["engine"], second["is_current"]) == ("done", "whisper", False)
    assert await api.texts() == ["hola a todos", "bien", "y tú"]
    read = (await api.get("/readings/2/segments"))["items"]
    assert [(s["text"], s["speaker"], s["person"], len(s["words"])) for s in read] == [
        ("Hola a todas", "Ana", "p-1", 2),
        ("muy bien", None, None, 0),
    ]
    again = [data for _, type_, data in told.events if type_ == "transcript.read_again"]
    assert [(data["number"], data["provider"]) for data in again] == [(2, "whisper")]


async def test_the_difference_is_told_word_by_word(
    api: Api, reader: Reader, drain_jobs: Drain
) -> None:
    reader.answers = [Recognition((Segment("hola a todas bien", 0, 2.5),), "es", 3.0, "whisper")]
    await api.post()
    await drain_jobs()
    found = await api.get("/readings/2/difference")
    assert [(p["change"], p["before"], p["after"]) for p in found["pieces"]] == [
        ("same", "hola a", "hola a"),
        ("replaced", "todos", "todas"),
        ("same", "bien", "bien"),
        ("removed", "y tú", ""),
    ]
    assert (found["same"], found["removed"], found["agreement"]) == (3, 2, 0.5)
    back = await api.get("/readings/1/difference?against=2")
    assert [p["change"] for p in back["pieces"]] == ["same", "replaced", "same", "added"]


async def test_the_chosen_reading_is_what_counts_and_the_other_keeps_its_corrections(
    api: Api, hall_api: httpx.AsyncClient, owner: Person, reader: Reader, drain_jobs: Drain
) -> None:
    corrected = {"text": "hola a toda la sala"}
    await hall_api.patch(f"{api.url}/segments/u1", json=corrected, headers=owner.headers)
    reader.answers = [BETTER]
    await api.post()
    await drain_jobs()
    outdated = await api.post("/readings/2/choose", version=1)
    assert (outdated.status_code, outdated.json()["code"]) == (409, "transcript_outdated")
    chosen = (await api.post("/readings/2/choose", version=2)).json()
    assert (chosen["version"], chosen["provider"]) == (3, "whisper")
    assert await api.texts() == ["Hola a todas", "muy bien"]
    found = await hall_api.get("/api/search?q=muy+bien", headers=owner.headers)
    assert [hit["utterance_id"] for hit in found.json()["items"]] == ["r2.2"]
    assert await api.texts("/readings/1/segments") == ["hola a toda la sala", "bien", "y tú"]
    assert (await api.delete("/readings/2")).json()["code"] == "reading_in_use"

    back = (await api.post("/readings/1/choose")).json()
    assert (back["version"], back["provider"]) == (4, "sherpa")
    assert await api.texts() == ["hola a toda la sala", "bien", "y tú"]
    edits = (await api.get("/segments/u1/edits"))["items"]
    assert [e["text_before"] for e in edits] == ["hola a todos"]
    original = await hall_api.get(f"{api.url}/export?original=true", headers=owner.headers)
    assert original.text.startswith("Ana: hola a todos\n")
    assert (await api.delete("/readings/2")).status_code == 204
    assert [r["number"] for r in (await api.get())["items"]] == [1]


async def test_a_reading_that_fails_says_why_and_changes_nothing(
    api: Api, reader: Reader, drain_jobs: Drain
) -> None:
    reader.answers = [AudioUnreadableError("No.")]
    await api.post()
    await drain_jobs()
    failed = (await api.get())["items"][1]
    assert (failed["status"], failed["error"]["code"]) == ("failed", "audio_unreadable")
    assert (await api.post("/readings/2/choose")).json()["code"] == "reading_unfinished"
    assert await api.texts() == ["hola a todos", "bien", "y tú"]


async def test_a_vendor_that_is_away_is_asked_again(
    database: Database, api: Api, reader: Reader, drain_jobs: Drain
) -> None:
    reader.answers = [UnavailableError("Later."), BETTER]
    await api.post()
    await drain_jobs()
    assert (await api.get())["items"][1]["status"] == "running"
    async with database.transaction() as tx:
        await tx.session.execute(text("update procrastinate_jobs set scheduled_at = now()"))
    await drain_jobs()
    assert (await api.get())["items"][1]["status"] == "done"


async def test_without_a_recording_or_before_its_end_there_is_nothing_to_read(
    hall_api: httpx.AsyncClient, owner: Person, begin: Begin, hall: TranscriptService,
    database: Database,
) -> None:  # fmt: skip
    talking, silent = await begin("x"), await begin("y")
    async with database.transaction() as tx:
        await hall.finish(tx, None, silent.id)
    for made, status, code in (
        (talking, 409, "segment_not_final"),
        (silent, 404, "blob_missing"),
    ):
        answer = await hall_api.post(
            f"/api/transcripts/{made.id}/readings", json={}, headers=owner.headers
        )
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_removed_while_it_is_read_it_leaves_nothing(
    database: Database, api: Api, hall: TranscriptService, made: Transcript, reader: Reader,
    drain_jobs: Drain,
) -> None:  # fmt: skip
    reader.answers = [BETTER]
    await api.post()
    assert (await api.delete("/readings/2")).status_code == 204
    await drain_jobs()
    assert reader.asked == []
    async with database.transaction() as tx:
        await hall.delete(tx, [made.space_id], made.id)
        left = await tx.session.scalar(text("select count(*) from transcript_readings"))
    assert left == 0


async def test_what_a_reading_used_is_written_down_and_a_spent_budget_refuses_it(
    database: Database, hall_clock: HeldClock, jobs: Jobs, hall_readings: Readings, reader: Reader,
    owner: Person, made: Transcript,
) -> None:  # fmt: skip
    ledger = Spent(hall_clock, Prices({}), cheaper={}, currency="USD")
    tasks = ReadingTasks(hall_readings, reader, ledger)
    own = Jobs(database)
    tasks.register(own)

    async def ask() -> Reading:
        async with database.transaction() as tx:
            asked = await hall_readings.ask(tx, [owner.space.id], made.id, Wishes("gladia"), None)
        await Worker(own).run(until_idle=True)
        async with database.transaction() as tx:
            return (await hall_readings.list(tx, [owner.space.id], made.id))[asked.number - 1]

    reader.answers = [BETTER]
    assert (await ask()).status is ReadingStatus.DONE
    async with database.transaction() as tx:
        rows = await tx.session.execute(
            text("select door, engine, unit, quantity, transcript_id from uses")
        )
        assert [tuple(row) for row in rows] == [("files", "whisper", "seconds", 3.0, made.id)]
    ledger.used_up = True
    refused = await ask()
    assert refused.status is ReadingStatus.FAILED
    assert refused.error is not None
    assert refused.error["code"] == "budget_exceeded"
