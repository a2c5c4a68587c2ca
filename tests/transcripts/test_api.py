"""The hall over HTTP."""

import asyncio
import io
import json
import zipfile
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.fixtures.identity import Key, Person
from tests.fixtures.transcripts import Begin

from tertulia.speech.formats import FORMATS
from tertulia.transcripts.protocol import Format

pytestmark = pytest.mark.db

SRT = (
    "1\n00:00:01,000 --> 00:00:02,500\nBuenos días\n\n2\n00:00:03,000 --> 00:00:04,000\n¿Qué tal?\n"
)


async def create(api: httpx.AsyncClient, who: Person, **body: Any) -> dict[str, Any]:
    answer = await api.post("/api/transcripts", json=body, headers=who.headers)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def say(
    api: httpx.AsyncClient, who: Person, id_: str, *segments: dict[str, Any]
) -> list[str]:
    body = {"segments": [{"start": 0.0, "end": 1.0, **s} for s in segments]}
    answer = await api.post(f"/api/transcripts/{id_}/segments", json=body, headers=who.headers)
    assert answer.status_code == 200, answer.text
    outcomes: list[str] = answer.json()["outcomes"]
    return outcomes


async def test_a_conversation_from_its_first_word_to_its_export(
    hall_api: httpx.AsyncClient, owner: Person, member: Person
) -> None:
    made = await create(
        hall_api, owner, kind="live", title="Monday", language="es", tags=["b", "a"]
    )
    id_ = made["id"]
    assert (made["state"], made["tags"], made["document"]) == ("open", ["a", "b"], None)
    draft = {"utterance_id": "u1", "text": "hola a to", "is_final": False}
    final = {"utterance_id": "u1", "text": "hola", "speaker": "Ana"}
    words = [{"text": "adiós", "start": 1.0, "end": 1.5}]
    assert await say(hall_api, owner, id_, draft) == ["written"]
    assert await say(hall_api, member, id_, final, draft) == ["written", "written"]
    last = {"utterance_id": "u2", "text": "adiós", "start": 1.0, "end": 2.0, "words": words}
    assert await say(hall_api, owner, id_, {**final, "text": "no"}, last) == ["kept", "written"]

    url = f"/api/transcripts/{id_}"
    corrected = await hall_api.patch(
        f"{url}/segments/u1", json={"text": "¡hola!", "version": 1}, headers=member.headers
    )
    assert corrected.json()["text"] == "¡hola!"
    edits = (await hall_api.get(f"{url}/segments/u1/edits", headers=owner.headers)).json()["items"]
    assert [(e["text_before"], e["edited_by"]) for e in edits] == [("hola", str(member.user.id))]
    renamed = await hall_api.post(
        f"{url}/speakers", json={"speaker": None, "name": "Eva"}, headers=owner.headers
    )
    assert renamed.json()["version"] == 3

    whole = (await hall_api.post(f"{url}/finalise", headers=owner.headers)).json()
    assert whole["document"]["url"] == f"{url}/document"
    document = await hall_api.get(whole["document"]["url"], headers=member.headers)
    assert [s["speaker"] for s in document.json()["segments"]] == ["Ana", "Eva"]
    read = (await hall_api.get(f"{url}/segments", headers=owner.headers)).json()["items"]
    assert [(s["utterance_id"], len(s["words"])) for s in read] == [("u1", 0), ("u2", 1)]
    text = await hall_api.get(f"{url}/export", headers=owner.headers)
    assert text.text == "Ana: ¡hola!\nEva: adiós\n"
    original = await hall_api.get(f"{url}/export?original=true", headers=owner.headers)
    assert original.text == "Ana: hola\nadiós\n"

    assert (await hall_api.delete(url, headers=owner.headers)).status_code == 204
    assert (await hall_api.get(url, headers=owner.headers)).json()["code"] == "transcript_missing"


@pytest.mark.parametrize("form", FORMATS)
async def test_every_format_can_be_taken_away(
    hall_api: httpx.AsyncClient, owner: Person, begin: Begin, form: str
) -> None:
    made = await begin("uno", "שלום 🎙", title='a/b "c": ñ', language="es")
    answer = await hall_api.get(
        f"/api/transcripts/{made.id}/export?format={form}", headers=owner.headers
    )
    assert answer.status_code == 200
    assert answer.content
    assert "attachment" in answer.headers["content-disposition"]


def test_the_formats_named_are_the_formats_there_are() -> None:
    assert set(Format.__args__) == set(FORMATS)  # type: ignore[attr-defined]


async def test_others_are_answered_as_if_there_were_nothing(
    hall_api: httpx.AsyncClient, outsider: Person, key: Key, begin: Begin
) -> None:
    made = await begin("secret words")
    segment = {"segments": [{"utterance_id": "u", "text": "x", "start": 0, "end": 1}]}
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"title": "x"}),
        ("DELETE", "", None),
        ("POST", "/finalise", None),
        ("GET", "/segments", None),
        ("POST", "/segments", segment),
        ("PATCH", "/segments/u0", {"text": "x"}),
        ("GET", "/segments/u0/edits", None),
        ("POST", "/speakers", {"speaker": None, "name": "x"}),
        ("GET", "/document", None),
        ("GET", "/export", None),
    ):
        url = f"/api/transcripts/{made.id}{path}"
        nobody = await hall_api.request(method, url, json=body)
        assert nobody.status_code == 401, url
        lacking = await hall_api.request(method, url, json=body, headers=key.headers)
        assert lacking.json()["code"] == "missing_scope", url
        for id_ in (made.id, uuid4()):
            other = await hall_api.request(
                method, f"/api/transcripts/{id_}{path}", json=body, headers=outsider.headers
            )
            assert (other.status_code, other.json()["code"]) == (404, "transcript_missing"), url
    for url in ("/api/transcripts", "/api/search?q=secret", "/api/search/export?q=secret"):
        assert (await hall_api.get(url)).status_code == 401
    found = await hall_api.get("/api/search?q=secret", headers=outsider.headers)
    assert found.json()["items"] == []
    asked = f"/api/search?q=secret&space_id={made.space_id}"
    assert (await hall_api.get(asked, headers=outsider.headers)).status_code == 404


async def test_what_is_found_is_shown_in_pieces_and_pages(
    hall_api: httpx.AsyncClient, owner: Person, begin: Begin
) -> None:
    await begin("🎙🎙 la facturación de hoy", "facturas", "nada", language="es", title="Uno")
    first = (
        await hall_api.get(
            "/api/search",
            params={"q": "factura", "limit": 1, "order": "time"},
            headers=owner.headers,
        )
    ).json()
    params = {"q": "factura", "limit": 1, "order": "time", "cursor": first["next_cursor"]}
    second = (await hall_api.get("/api/search", params=params, headers=owner.headers)).json()
    assert [p for p in first["items"][0]["pieces"] if p["found"]] == [
        {"text": "facturas", "found": True}
    ]
    assert second["next_cursor"] is None
    assert second["items"][0]["pieces"] == [
        {"text": "🎙🎙 la ", "found": False},
        {"text": "facturación", "found": True},
        {"text": " de hoy", "found": False},
    ]
    assert second["items"][0]["transcript"]["title"] == "Uno"


@pytest.mark.parametrize(
    "query",
    [
        "cursor=x", "order=best", "limit=0", "limit=1000", "kind=nothing", "since=yesterday", "min_seconds=-1",
        "min_seconds=nan", "q=" + "x" * 501,
    ],
)  # fmt: skip
async def test_a_value_that_cannot_be_is_refused(
    hall_api: httpx.AsyncClient, owner: Person, query: str
) -> None:
    answer = await hall_api.get(f"/api/search?q=x&{query}", headers=owner.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("q", ["%00", "(((", "' or 1=1", "%F0%9F%8E%99", ":*", "&|!", "a%02b"])
async def test_search_syntax_that_is_not_is_words(
    hall_api: httpx.AsyncClient, owner: Person, begin: Begin, q: str
) -> None:
    await begin("anything")
    assert (await hall_api.get(f"/api/search?q={q}", headers=owner.headers)).status_code == 200


async def test_all_that_a_search_finds_comes_as_one_zip(
    hall_api: httpx.AsyncClient, owner: Person, begin: Begin
) -> None:
    for i in range(3):
        await begin("the refund", f"number {i}", "refunds", title=f"Call {i}: a/b", language="en")
    await begin("nothing of that")

    async def names(query: str) -> list[str]:
        answer = await hall_api.get(f"/api/search/export?{query}", headers=owner.headers)
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            return [name.split(" ", 1)[1] for name in archive.namelist()]

    found = await names("q=refund&format=srt")
    assert len(found) == 3
    assert all(n.startswith("Call ") and n.endswith(".srt") and "/" not in n for n in found)
    assert len(await names("format=md")) == 4
    assert await names("q=horse") == []


async def bring(
    api: httpx.AsyncClient, who: Person, data: bytes, name: str = "monday.srt", **fields: str
) -> httpx.Response:
    return await api.post(
        "/api/transcripts/import",
        files={"file": (name, data, "text/plain")},
        data=fields,
        headers=who.headers,
    )


async def test_a_file_becomes_a_transcript_that_is_found(
    hall_api: httpx.AsyncClient, owner: Person
) -> None:
    answer = await bring(hall_api, owner, SRT.encode(), language="es", tags="red, blue")
    made = answer.json()
    assert answer.status_code == 201
    assert (made["kind"], made["title"], made["state"], made["tags"]) == (
        "imports", "monday", "final", ["blue", "red"],
    )  # fmt: skip
    assert made["duration_seconds"] == 4.0
    found = await hall_api.get("/api/search?q=buenos+dias", headers=owner.headers)
    assert found.json()["items"][0]["start"] == 1.0


async def test_an_export_brought_in_again_is_the_same(
    hall_api: httpx.AsyncClient, owner: Person
) -> None:
    first = (await bring(hall_api, owner, SRT.encode(), language="es")).json()
    url = f"/api/transcripts/{first['id']}/export?format="
    for form in ("srt", "vtt", "json"):
        exported = await hall_api.get(url + form, headers=owner.headers)
        again = (await bring(hall_api, owner, exported.content, f"again.{form}")).json()
        text = await hall_api.get(f"/api/transcripts/{again['id']}/export", headers=owner.headers)
        assert text.text == "Buenos días\n¿Qué tal?\n"
    document = await hall_api.get(first["document"]["url"], headers=owner.headers)
    again = (await bring(hall_api, owner, document.content, "document.json")).json()
    assert (again["title"], again["language"]) == ("monday", "es")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "import_unreadable"),
        (b"just text", "import_unreadable"),
        (b"\xff\xfe\xfa", "import_unreadable"),
        (b"\x80\x81", "import_unreadable"),
        (b'{"segments": "no"}', "import_unreadable"),
        (b'{"segments": [{"text": "x"}]}', "import_unreadable"),
        (b'{"segments": [7]}', "import_unreadable"),
        (b"[" * 100_000, "import_unreadable"),
        (b'{"segments": [{"text": "x", "start": 1e999, "end": 2}]}', "invalid_request"),
    ],
)
async def test_what_is_no_transcript_is_refused(
    hall_api: httpx.AsyncClient, owner: Person, data: bytes, code: str
) -> None:
    answer = await bring(hall_api, owner, data)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    listed = await hall_api.get("/api/transcripts", headers=owner.headers)
    assert listed.json()["items"] == []


async def test_two_at_once_begin_one_transcript(hall_api: httpx.AsyncClient, owner: Person) -> None:
    made = await asyncio.gather(
        *(create(hall_api, owner, kind="calls", source_id="call-1") for _ in range(3))
    )
    assert len({m["id"] for m in made}) == 1


async def test_lists_go_on_where_they_ended(
    hall_api: httpx.AsyncClient, owner: Person, begin: Begin
) -> None:
    made = await begin(*(f"text {i}" for i in range(7)))
    for i in range(4):
        await begin(title=str(i))

    async def all_of(path: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = (
                await hall_api.get(f"{path}?limit=3&cursor={cursor}", headers=owner.headers)
            ).json()
            items += page["items"]
            if not (cursor := page["next_cursor"] or ""):
                return items

    segments = await all_of(f"/api/transcripts/{made.id}/segments")
    assert [s["text"] for s in segments] == [f"text {i}" for i in range(7)]
    assert len({t["id"] for t in await all_of("/api/transcripts")}) == 5


async def test_segments_that_cannot_be_are_refused_whole(
    hall_api: httpx.AsyncClient, owner: Person, begin: Begin
) -> None:
    made = await begin()
    url = f"/api/transcripts/{made.id}/segments"
    good = {"utterance_id": "ok", "text": "x", "start": 0, "end": 1}
    for bad in (
        {**good, "utterance_id": "a/b"},
        {**good, "start": -1},
        {**good, "text": "x" * 1_048_577},
    ):
        body = json.dumps({"segments": [good, bad]})
        answer = await hall_api.post(
            url, content=body, headers={**owner.headers, "Content-Type": "application/json"}
        )
        assert answer.status_code in (413, 422)
    assert (await hall_api.get(url, headers=owner.headers)).json()["items"] == []
