"""Questions: answered from what was said with its words, or not at all."""

import json
from uuid import uuid4

import pytest
from tests.fakes.openai_chat import OpenAIChatServer
from tests.fakes.openai_chat_acts import Act, fail
from tests.fixtures.analysis import Spoken
from tests.fixtures.identity import Person
from tests.fixtures.transcripts import Begin

from tertulia.analysis.asking import ROOM_CHARACTERS, Asking
from tertulia.analysis.domain import NothingSaidError, Requester
from tertulia.kernel.database import Database
from tertulia.language.errors import ModelNonsenseError, ModelUnavailableError
from tertulia.ledger.domain import Asked
from tertulia.ledger.service import Ledger
from tertulia.transcripts.domain import Filter, Kind
from tertulia.transcripts.errors import TranscriptMissingError

pytestmark = pytest.mark.db

QUESTION = "Which price did they choose?"


def answer(text: str, *cited: tuple[int, str], said: bool = True) -> Act:
    evidence = [{"line": line, "quote": quote} for line, quote in cited]
    return Act(json.dumps({"said": said, "answer": text, "evidence": evidence}), tokens=(40, 9))


async def test_an_answer_cites_what_was_said(
    database: Database,
    asking: Asking,
    spoken: Spoken,
    fake_llm: OpenAIChatServer,
    analysis_ledger: Ledger,
    owner: Person,
) -> None:
    made = await spoken("meeting.en")
    fake_llm.acts = [
        answer("Nine euros [a month](http://x.test).", (1, "nine euros a month"), (2, "never said"))
    ]
    who = Requester(user_id=owner.user.id)
    found = await asking.one(
        [made.space_id], made.id, QUESTION, chain="openai:gpt-x", requester=who
    )
    assert (found.said, found.answer, found.provider) == (True, "Nine euros a month.", "openai")
    [cited] = found.citations
    assert "nine euros a month" in cited.segment.text
    assert cited.transcript.id == made.id
    async with database.transaction() as tx:
        uses = await analysis_ledger.entries(tx, Asked((made.space_id,)), None, 10)
    assert {(u.use.door, u.use.unit, u.use.quantity, u.use.user_id) for u in uses} == {
        ("ask", "tokens_in", 40.0, owner.user.id),
        ("ask", "tokens_out", 9.0, owner.user.id),
    }


@pytest.mark.parametrize(
    "act",
    [
        answer("A million euros.", (12, "a million euros")),
        answer("Nine.", (99, "")),
        answer("", said=False),
        answer("Perhaps nine?", (12, "nine euros a month"), said=False),
    ],
    ids=["invented", "nothing cited", "not said", "a guess"],
)
async def test_what_rests_on_nothing_was_not_said(
    asking: Asking, spoken: Spoken, fake_llm: OpenAIChatServer, act: Act
) -> None:
    made = await spoken("meeting.en")
    fake_llm.acts = [act]
    found = await asking.one([made.space_id], made.id, QUESTION, chain="openai:gpt-x")
    assert (found.said, found.answer, found.citations) == (False, None, ())


async def test_offline_shows_the_passages_and_writes_nothing(
    asking: Asking, spoken: Spoken
) -> None:
    made = await spoken("meeting.ru")
    found = await asking.one([made.space_id], made.id, "Кто позвонит перевозчику?")
    assert (found.said, found.answer, found.provider) == (True, None, "offline")
    assert "Я позвоню перевозчику" in found.citations[0].quote
    none = await asking.one([made.space_id], made.id, "Сколько стоит подводная лодка?")
    assert (none.said, none.citations) == (False, ())


async def test_a_chain_falls_through_to_the_passages(
    database: Database,
    asking: Asking,
    spoken: Spoken,
    fake_llm: OpenAIChatServer,
    analysis_ledger: Ledger,
) -> None:
    made = await spoken("meeting.en")
    fake_llm.acts = [fail(503), fail(503)]
    question = "Who calls the bank about the certificates?"
    found = await asking.one([made.space_id], made.id, question, chain="openai:gpt-x,offline")
    assert found.provider == "openai|offline"
    assert found.said
    fake_llm.acts = [fail(503), fail(503)]
    with pytest.raises(ModelUnavailableError):
        await asking.one([made.space_id], made.id, question, chain="openai:gpt-x")
    fake_llm.acts = [Act("no"), Act("no")]
    with pytest.raises(ModelNonsenseError):
        await asking.one([made.space_id], made.id, question, chain="openai:gpt-x")
    async with database.transaction() as tx:
        uses = await analysis_ledger.entries(tx, Asked((made.space_id,)), None, 10)
    assert sum(u.use.quantity for u in uses if u.use.engine == "openai") == 36


async def test_of_a_long_conversation_only_what_fits_is_told(
    asking: Asking, begin: Begin, fake_llm: OpenAIChatServer
) -> None:
    texts = [f"Sentence {n} is about the harbour. " * 30 for n in range(80)]
    texts[47] = "The submarine surfaces at noon on Tuesday."
    made = await begin(*texts)
    fake_llm.acts = [answer("At noon on Tuesday.", (48, "surfaces at noon on Tuesday"))]
    found = await asking.one(
        [made.space_id], made.id, "When does the submarine surface?", chain="openai:gpt-x"
    )
    assert found.said
    assert found.citations[0].segment.utterance_id == "u47"
    assert len(fake_llm.asked[0]["messages"][-1]["content"]) < ROOM_CHARACTERS * 1.2


async def test_a_search_is_asked_where_one_may_look(
    asking: Asking, spoken: Spoken, begin: Begin, fake_llm: OpenAIChatServer
) -> None:
    made = await spoken("meeting.en")
    other = await begin(
        "The bank will send the certificates on Friday.", kind=Kind.CALLS, language="en"
    )
    wanted = Filter(spaces=[made.space_id])
    question = "When does the bank send the certificates?"

    def reply(body: dict[str, object]) -> str:
        lines = str(body["messages"][-1]["content"]).splitlines()  # type: ignore[index]
        at = next(line for line in lines if "on Friday" in line)
        number = int(at.partition("]")[0].strip("["))
        evidence = [{"line": number, "quote": "send the certificates on Friday"}]
        return json.dumps({"said": True, "answer": "On Friday.", "evidence": evidence})

    fake_llm.reply = reply
    found = await asking.search(wanted, made.space_id, question, chain="openai:gpt-x")
    assert (found.said, found.answer) == (True, "On Friday.")
    assert found.citations[0].transcript.id == other.id
    offline = await asking.search(wanted, made.space_id, question)
    assert offline.said
    assert {c.transcript.id for c in offline.citations} <= {made.id, other.id}
    elsewhere = await asking.search(Filter(spaces=[uuid4()]), made.space_id, question)
    assert not elsewhere.said
    calls = Filter(spaces=[made.space_id], kinds=[Kind.CALLS])
    only = await asking.search(calls, made.space_id, question)
    assert {c.transcript.id for c in only.citations} == {other.id}
    nothing = await asking.search(wanted, made.space_id, "the of and ???")
    assert not nothing.said


async def test_bad_questions(asking: Asking, begin: Begin, spoken: Spoken) -> None:
    empty = await begin()
    with pytest.raises(NothingSaidError):
        await asking.one([empty.space_id], empty.id, QUESTION)
    made = await spoken("meeting.en")
    with pytest.raises(TranscriptMissingError):
        await asking.one([uuid4()], made.id, QUESTION)
    for question in ("\x00", "🙂" * 500, "'; drop table transcripts; --", "a" * 1_000):
        found = await asking.one([made.space_id], made.id, question)
        assert not found.said
        await asking.search(Filter(spaces=[made.space_id]), made.space_id, question)
