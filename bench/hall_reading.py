"""The hall: searches by how many segments there are, pages far down a list, and exports in flat memory."""

import asyncio
import resource
import sys
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, ClassVar

import psycopg
from sqlalchemy import text

from bench.hall import PAGE, Hall, Speech, corpus_folder, fill
from bench.measure import Ratio, at_least, at_most, median, percentile
from tertulia.kernel.pages import Position
from tertulia.transcripts.domain import Filter
from tertulia.transcripts.exporting import Exporter
from tertulia.transcripts.searching import Order, Query
from tertulia.transcripts.store.search import found_rows

ROUNDS = 200
FAR_PAGE = 10_000
SIZES = (100_000, 1_000_000, 5_000_000)
PAGED = 1_000_000
LONGEST = 1_000_000
FORMS = ("txt", "srt", "md", "csv", "json")
EXPORT_SECONDS = 8.0
EXPORT_BYTES_A_SECOND = 20e6
FLAT_BYTES = 64 * 1_048_576


async def p95_ms(work: Callable[[int], Awaitable[object]], times: int) -> float:
    """Of the second of two rounds: what is asked for the first time waits for the disk."""
    took: list[float] = []
    for counted in (False, True):
        for n in range(times):
            began = time.perf_counter()
            await work(n)
            if counted:
                took.append((time.perf_counter() - began) * 1e3)
    return percentile(took, 0.95)


async def searching(hall: Hall, speech: Speech) -> dict[str, float]:
    """p95 of the query alone: words as they come in speech, rare ones, a word that is everywhere, two words, phrases."""
    asked = {
        "as spoken": [speech.say(1) for _ in range(ROUNDS)],
        "two words": [speech.say(2) for _ in range(ROUNDS)],
        "rare": speech.words[-ROUNDS:],
        "everywhere": speech.words[:5],
        "beginning": [f"{word[:3]}*" for word in speech.words[1_000 : 1_000 + ROUNDS]],
    }
    wanted = Filter([hall.space])
    connection = await psycopg.AsyncConnection.connect(hall.conninfo, autocommit=True)
    found = {}
    for name, queries in asked.items():

        async def one(n: int, queries: list[str] = queries) -> None:
            words = Query.parse(queries[n % len(queries)])
            await found_rows(connection, words, wanted, Order.RANK, None, PAGE + 1)

        found[name] = await p95_ms(one, ROUNDS)
    await connection.close()
    return found


async def paging(hall: Hall) -> Ratio:
    """A page of conversations at the beginning of the list and far down, by cursor."""
    wanted = Filter([hall.space])
    async with hall.database.transaction() as tx:
        count = await tx.session.scalar(text("select count(*) from transcripts")) or 0
        page = max(1, min(50, count // (FAR_PAGE + 1)))
        far = min(FAR_PAGE * page, count - page - 1)
        statement = "select started_at, id from transcripts order by started_at desc, id desc offset :n limit 1"
        row = (await tx.session.execute(text(statement), {"n": far})).one()

        async def first(_: int) -> None:
            await hall.service.list(tx, wanted, None, page)

        async def last(_: int) -> None:
            await hall.service.list(tx, wanted, Position(row.started_at, row.id), page)

        rounds = [(await p95_ms(last, ROUNDS), await p95_ms(first, ROUNDS)) for _ in range(5)]
    ours, baseline = (median(column) for column in zip(*rounds, strict=True))
    claim = f"listing: page {far // page:,} of {page} ÷ page 1, p95"
    return at_most(claim, ours, baseline, "ms", 1.5)


class Counted(zipfile.ZipFile):
    """Knows the zips that were made, and so how much went into them."""

    made: ClassVar[list["Counted"]] = []

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.made.append(self)

    @classmethod
    def total_bytes(cls) -> int:
        return sum(entry.file_size for archive in cls.made for entry in archive.infolist())


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def drained(pieces: AsyncIterator[bytes], seconds: float) -> tuple[int, float, int]:
    """How much came out, in how many seconds, and by how much memory grew after the first quarter of them."""
    began, settled, out, took = time.perf_counter(), 0, 0, 0.0
    async for piece in pieces:
        out += len(piece)
        took = time.perf_counter() - began
        if took > seconds / 4 and not settled:
            settled = peak_bytes()
        if took > seconds:
            break
    return out, took, peak_bytes() - settled if settled else 0


async def packing(hall: Hall, form: str, seconds: float) -> tuple[Ratio, int]:
    """Bytes of files a second that go into a zip of everything."""
    Counted.made.clear()
    zipfile.ZipFile = Counted  # type: ignore[misc]
    archive = Exporter(hall.database).archive(Query.parse(""), Filter([hall.space]), form)
    _, took, grew = await drained(archive, seconds)
    claim = f"zip of everything as {form} ÷ 20 MB/s"
    rate = Counted.total_bytes() / took
    return at_least(claim, rate / 1e6, EXPORT_BYTES_A_SECOND / 1e6, "MB/s", 1.0), grew


async def pouring(hall: Hall, form: str, seconds: float) -> tuple[Ratio, int]:
    """Bytes a second of one conversation that is as long as the whole corpus."""
    async with hall.database.transaction() as tx:
        [one] = await hall.service.list(tx, Filter([hall.space]), None, 1)
    out, took, grew = await drained(Exporter(hall.database).file(one, form), seconds)
    claim = f"one long conversation as {form} ÷ 20 MB/s"
    return at_least(claim, out / took / 1e6, EXPORT_BYTES_A_SECOND / 1e6, "MB/s", 1.0), grew


Exporting = Callable[[Hall, str, float], Awaitable[tuple[Ratio, int]]]


async def exporting(hall: Hall, work: Exporting, seconds: float) -> tuple[list[Ratio], bool]:
    """Every format, and whether memory stayed as it was."""
    found = [await work(hall, form, seconds) for form in FORMS]
    print("memory grew by MiB: " + " · ".join(f"{grew / 1_048_576:.1f}" for _, grew in found))
    return [ratio for ratio, _ in found], all(grew <= FLAT_BYTES for _, grew in found)


async def main() -> int:
    quick = "--quick" in sys.argv
    curve: dict[int, dict[str, float]] = {}
    ratios: list[Ratio] = []
    flat: list[bool] = []
    seconds = 2.0 if quick else EXPORT_SECONDS
    for size in (20_000,) if quick else SIZES:
        with corpus_folder(size) as folder:
            hall = Hall(folder)
            await hall.open()
            curve[size] = await searching(hall, await fill(hall, size))
            if quick or size == PAGED:
                ratios.append(await paging(hall))
                more, held = await exporting(hall, packing, seconds)
                ratios += more
                flat.append(held)
            await hall.close()
    size = 20_000 if quick else LONGEST
    with corpus_folder(size, "-in-one") as folder:
        hall = Hall(folder)
        await hall.open()
        await fill(hall, size, size)
        more, held = await exporting(hall, pouring, seconds)
        ratios += more
        flat.append(held)
        await hall.close()
    print("search p95 in ms by segments, the query alone:")
    for name in next(iter(curve.values())):
        print(f"  {name}: " + " · ".join(f"{n:,} {found[name]:.1f}" for n, found in curve.items()))
    for ratio in ratios:
        print(ratio.line())
    return 0 if all(flat) and all(ratio.holds for ratio in ratios) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
