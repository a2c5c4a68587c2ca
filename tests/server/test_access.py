"""Every route × who asks: who may, who may not, and that somebody else's is answered like nobody's.

A route that is not in the table fails the test: whoever adds one says here who may use it.
"""

import io
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.fixtures.server import launch

from tertulia.server.openapi import document

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PASSWORD = "correct horse battery"
HOOK = "http://127.0.0.1:9/tertulia"
"""No name: a machine without a network may take its time to say that it knows none."""
IN_THE_SPACE = "the id of the space"
A_TRANSCRIPT = "a list with the id of a transcript in the space"
"""Stands in a body for what is known only once the house is built."""


class Who(StrEnum):
    """Nobody; signed in, but not in the space; its three roles; and whoever owns the server, not in it either."""

    STRANGER = "stranger"
    OUTSIDER = "outsider"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"
    SERVER_OWNER = "server_owner"


SIGNED_IN = frozenset(Who) - {Who.STRANGER}
MEMBERS = frozenset({Who.MEMBER, Who.ADMIN, Who.OWNER})
ADMINS = MEMBERS - {Who.MEMBER}
OWNERS = frozenset({Who.OWNER})


@dataclass(frozen=True)
class Rule:
    """Who may use a route, how the others are turned away, and what to send."""

    may: frozenset[Who]
    in_space: bool = False
    """Members without the role are told so (403); to those outside the space it does not exist (404)."""
    own: bool = False
    """What is another's does not exist (404)."""
    body: dict[str, Any] | None = None
    subtitles: bool = False
    """Takes a transcript as a file."""
    recording: bool = False
    """Takes a recording rather than JSON."""
    also: frozenset[int] = frozenset()
    """What else may come of it for those who may: not every machine has every engine."""
    proof: bool = False
    """Open to all, but asks for a proof of its own (a link, a password), which is refused when wrong."""

    def status_for(self, who: Who) -> set[int]:
        if self.proof:
            return {200, 302, 303, 307, 400, 401, 404, 409, 410, 422}
        if who in self.may:
            return {200, 201, 202, 204, *self.also}
        if who is Who.STRANGER:
            return {401}
        if self.own or (self.in_space and who not in MEMBERS):
            return {404}
        return {403}


ALL = Rule(frozenset(Who))
MINE = Rule(SIGNED_IN)
PROOF = Rule(frozenset(), proof=True)

SEGMENT = {"utterance_id": "u1", "text": "Good morning", "start": 0.0, "end": 1.0}
SUBTITLES = {
    "file": ("monday.srt", b"1\n00:00:00,000 --> 00:00:01,000\nGood morning\n", "text/plain")
}

RULES: dict[str, Rule] = {
    "healthz": ALL,
    "readyz": ALL,
    "version": ALL,
    "figures": ALL,
    "auth_options": ALL,
    "sign_in": PROOF,
    "create_token": PROOF,
    "claim_server": PROOF,
    "start_oidc": PROOF,
    "finish_oidc": PROOF,
    "show_invitation": PROOF,
    "accept_invitation": PROOF,
    "get_me": MINE,
    "update_me": Rule(SIGNED_IN, body={"theme": "dark"}),
    "list_sessions": MINE,
    "end_session": Rule(frozenset(), own=True),
    "list_scopes": MINE,
    "status": MINE,
    "list_users": Rule(frozenset({Who.SERVER_OWNER})),
    "update_user": Rule(frozenset({Who.SERVER_OWNER}), body={"disabled": False}),
    "list_spaces": MINE,
    "create_space": Rule(SIGNED_IN, body={"name": "Another"}),
    "update_space": Rule(ADMINS, in_space=True, body={"name": "Ours"}),
    "delete_space": Rule(OWNERS, in_space=True),
    "list_members": Rule(MEMBERS, in_space=True),
    "update_member": Rule(ADMINS, in_space=True, body={"role": "MEMBER"}),
    "remove_member": Rule(ADMINS, in_space=True),
    "list_invitations": Rule(ADMINS, in_space=True),
    "create_invitation": Rule(ADMINS, in_space=True, body={"role": "MEMBER"}),
    "revoke_invitation": Rule(ADMINS, in_space=True),
    "list_keys": MINE,
    "create_key": Rule(SIGNED_IN, body={"name": "k", "scopes": ["status"]}),
    "revoke_key": Rule(OWNERS, own=True),
    "get_usage": MINE,
    "list_uses": MINE,
    "get_prices": MINE,
    "list_budgets": MINE,
    "create_budget": Rule(
        ADMINS,
        in_space=True,
        body={"amount": "5", "space_id": IN_THE_SPACE},
        also=frozenset({409}),
    ),
    "update_budget": Rule(ADMINS, in_space=True, body={"amount": "5"}),
    "delete_budget": Rule(ADMINS, in_space=True),
    "list_webhooks": MINE,
    "list_event_types": MINE,
    "create_webhook": Rule(
        ADMINS, in_space=True, body={"url": HOOK, "types": [], "space_id": IN_THE_SPACE}
    ),
    "update_webhook": Rule(ADMINS, in_space=True, body={"description": "Ours"}),
    "delete_webhook": Rule(ADMINS, in_space=True),
    "rotate_webhook_secret": Rule(ADMINS, in_space=True),
    "test_webhook": Rule(ADMINS, in_space=True),
    "list_deliveries": Rule(ADMINS, in_space=True),
    "get_delivery": Rule(ADMINS, in_space=True),
    "replay_delivery": Rule(ADMINS, in_space=True),
    "list_voices": MINE,
    "list_models": MINE,
    "get_model": Rule(frozenset(), own=True),
    "create_speech": Rule(SIGNED_IN, body={"model": "tts-1", "input": "Hello", "voice": "alloy"}),
    "create_transcription": Rule(SIGNED_IN, recording=True),
    "create_translation": Rule(SIGNED_IN, recording=True, also=frozenset({503})),
    "create_live_session": Rule(SIGNED_IN, body={"language": "en"}),
    "list_live_sessions": MINE,
    "get_live_status": MINE,
    "get_live_session": Rule(OWNERS, own=True),
    "update_live_session": Rule(OWNERS, own=True, body={"title": "Tuesday"}),
    "delete_live_session": Rule(OWNERS, own=True),
    "create_live_token": Rule(OWNERS, own=True),
    "get_live_metrics": Rule(OWNERS, own=True),
    "get_live_log": Rule(OWNERS, own=True),
    "create_transcribe": Rule(SIGNED_IN, recording=True),
    "list_transcribe": MINE,
    "get_transcribe": Rule(OWNERS, own=True),
    "export_transcribe": Rule(OWNERS, own=True),
    "play_transcribe": Rule(OWNERS, own=True),
    "delete_transcribe": Rule(OWNERS, own=True),
    "list_transcripts": MINE,
    "create_transcript": Rule(SIGNED_IN, body={"title": "Monday"}),
    "import_transcript": Rule(SIGNED_IN, subtitles=True),
    "get_transcript": Rule(MEMBERS, own=True),
    "update_transcript": Rule(MEMBERS, own=True, body={"title": "Tuesday"}),
    "delete_transcript": Rule(MEMBERS, own=True),
    "finalise_transcript": Rule(MEMBERS, own=True),
    "list_segments": Rule(MEMBERS, own=True),
    "append_segments": Rule(MEMBERS, own=True, body={"segments": [SEGMENT]}),
    "update_segment": Rule(MEMBERS, own=True, body={"text": "Good evening"}),
    "list_edits": Rule(MEMBERS, own=True),
    "rename_speaker": Rule(MEMBERS, own=True, body={"speaker": None, "name": "Ana"}),
    "read_document": Rule(MEMBERS, own=True),
    "export_transcript": Rule(MEMBERS, own=True),
    "play_transcript": Rule(MEMBERS, own=True),
    "get_waveform": Rule(MEMBERS, own=True),
    "list_speakers": Rule(MEMBERS, own=True),
    "list_readings": Rule(MEMBERS, own=True),
    "create_reading": Rule(MEMBERS, own=True, body={}),
    "list_reading_segments": Rule(MEMBERS, own=True),
    "compare_readings": Rule(MEMBERS, own=True),
    "choose_reading": Rule(MEMBERS, own=True, body={}),
    "delete_reading": Rule(MEMBERS, own=True),
    "get_retention": Rule(MEMBERS, in_space=True),
    "put_retention": Rule(ADMINS, in_space=True, body={"rules": []}),
    "erase_conversations": Rule(MEMBERS, own=True, body={"transcript_ids": A_TRANSCRIPT}),
    "erase_person": Rule(ADMINS, in_space=True, body={"person": "p-1", "space_id": IN_THE_SPACE}),
    "list_erasures": MINE,
    "get_erasure": Rule(MEMBERS, own=True),
    "list_saved_searches": MINE,
    "create_saved_search": Rule(SIGNED_IN, body={"name": "Refunds", "q": "refund*"}),
    "update_saved_search": Rule(OWNERS, own=True, body={"name": "Returns"}),
    "delete_saved_search": Rule(OWNERS, own=True),
    "list_people": MINE,
    "name_person": Rule(
        MEMBERS,
        in_space=True,
        body={"reference": "p-1", "name": "Ana", "space_id": IN_THE_SPACE},
    ),
    "merge_people": Rule(
        ADMINS,
        in_space=True,
        body={"reference": "p-1", "into": "p-2", "space_id": IN_THE_SPACE},
    ),
    "read_analysis": Rule(MEMBERS, own=True),
    "request_analysis": Rule(MEMBERS, own=True, body={}),
    "delete_analysis": Rule(MEMBERS, own=True),
    "ask_transcript": Rule(MEMBERS, own=True, body={"question": "Who said good morning?"}),
    "ask_search": Rule(SIGNED_IN, body={"question": "Who said good morning?"}),
    "get_demo": MINE,
    "make_demo": MINE,
    "remove_demo": MINE,
    "list_bots": MINE,
    "get_bot": Rule(MEMBERS, own=True),
    "export_bot": Rule(MEMBERS, own=True),
    "create_bot": Rule(
        ADMINS,
        in_space=True,
        body={"name": "Desk", "space_id": IN_THE_SPACE},
        also=frozenset({409}),
    ),
    # without a file there is nothing to make a bot of; in the home of them all the owner is a member
    "import_bot": Rule(ADMINS | {Who.SERVER_OWNER}, also=frozenset({403, 422})),
    "update_bot": Rule(ADMINS, in_space=True, body={"name": "Desk again"}, also=frozenset({409})),
    "delete_bot": Rule(ADMINS, in_space=True),
    "try_bot": Rule(
        ADMINS,
        in_space=True,
        body={"bot": {"name": "Desk"}, "said": "Hello", "space_id": IN_THE_SPACE},
    ),
    "ask_by_voice": Rule(SIGNED_IN, recording=True),
    "ask_in_writing": Rule(SIGNED_IN, body={"text": "Hello", "speak": False}),
    "list_audio_sessions": MINE,
    "audio_session_figures": MINE,
    "get_audio_session": Rule(MEMBERS, own=True),
    "delete_audio_session": Rule(MEMBERS, own=True),
    "play_audio_session": Rule(MEMBERS, own=True),
    "search": MINE,
    "search_facets": MINE,
    "search_by_meaning": Rule(SIGNED_IN, also=frozenset({409})),
    "search_options": MINE,
    "export_search": MINE,
}

ENDS_A_SIGN_IN = {"sign_out", "end_other_sessions", "change_password"}
"""Tried in identity's own tests: each would end the sign-ins this table is tried with."""


def recording() -> dict[str, tuple[str, bytes, str]]:
    """Half a second of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(bytes(16_000))
    return {"file": ("silence.wav", file.getvalue(), "audio/wav")}


class House:
    """A server with one person of each kind, and one space that three of them are in."""

    def __init__(self, url: str, link: str) -> None:
        self._url = url
        self.clients = {Who.STRANGER: httpx.Client(base_url=url, timeout=60)}
        self._ids: dict[Who, str] = {}
        secret = link.split("link=")[1]
        self._enter(Who.SERVER_OWNER, "/api/auth/claim", {"link": secret})
        for who in (Who.OWNER, Who.OUTSIDER):
            self._enter(who, f"/api/invitations/{self._invitation_home()}/accept", {})
        self.space = self.new_space()
        for who, role in ((Who.ADMIN, "ADMIN"), (Who.MEMBER, "MEMBER")):
            self._enter(who, f"/api/invitations/{self._invite(self.space, role)}/accept", {})

    def _enter(self, who: Who, path: str, body: dict[str, str]) -> None:
        person = {"name": who.value, "email": f"{who.value}@example.org", "password": PASSWORD}
        sign_in = {key: person[key] for key in ("email", "password")}
        entering = httpx.Client(base_url=self._url, timeout=60)
        answer = entering.post(path, json={**body, **person}).raise_for_status()
        self._ids[who] = answer.json()["user"]["id"]
        token = (
            httpx.post(f"{self._url}/api/auth/token", timeout=60, json=sign_in)
            .raise_for_status()
            .json()["token"]
        )
        entering.close()
        self.clients[who] = httpx.Client(
            base_url=self._url, headers={"Authorization": f"Bearer {token}"}, timeout=60
        )

    def _made(self, who: Who, path: str, **body: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.clients[who].post(path, json=body).raise_for_status().json()
        return found

    def _invite(self, space: str, role: str, by: Who = Who.OWNER) -> str:
        link: str = self._made(by, f"/api/spaces/{space}/invitations", role=role)["link"]
        return link.rstrip("/").rsplit("/", 1)[-1].rsplit("=", 1)[-1]

    def _invitation_home(self) -> str:
        spaces = self.clients[Who.SERVER_OWNER].get("/api/spaces").json()
        return self._invite(spaces["items"][0]["id"], "MEMBER", Who.SERVER_OWNER)

    def new_space(self) -> str:
        return str(self._made(Who.OWNER, "/api/spaces", name="Ours")["id"])

    def space_with_everybody(self) -> str:
        """A space that may be deleted."""
        space = self.new_space()
        for who, role in ((Who.ADMIN, "ADMIN"), (Who.MEMBER, "MEMBER")):
            secret = self._invite(space, role)
            self.clients[who].post(f"/api/invitations/{secret}/accept", json={}).raise_for_status()
        return space

    def new_member(self) -> str:
        """Somebody in the space whom nobody else needs."""
        secret = self._invite(self.space, "MEMBER")
        person = {"name": "New", "email": f"{uuid4().hex}@example.org", "password": PASSWORD}
        answer = httpx.post(f"{self._url}/api/invitations/{secret}/accept", timeout=60, json=person)
        return str(answer.raise_for_status().json()["user"]["id"])

    def new_invitation(self) -> str:
        return str(
            self._made(Who.OWNER, f"/api/spaces/{self.space}/invitations", role="MEMBER")["id"]
        )

    def new_key(self) -> str:
        return str(self._made(Who.OWNER, "/api/keys", name="k", scopes=["status"])["id"])

    def new_webhook(self) -> str:
        """In the place of those before it: a space takes only so many."""
        owner = self.clients[Who.OWNER]
        for old in owner.get("/api/webhooks").json()["items"]:
            owner.delete(f"/api/webhooks/{old['id']}").raise_for_status()
        made = self._made(Who.OWNER, "/api/webhooks", url=HOOK, types=[], space_id=self.space)
        return str(made["id"])

    def new_budget(self) -> str:
        """In the place of those before it: a space has one of a kind."""
        owner = self.clients[Who.OWNER]
        for old in owner.get("/api/budgets").json()["items"]:
            owner.delete(f"/api/budgets/{old['id']}").raise_for_status()
        made = self._made(Who.OWNER, "/api/budgets", amount="5", space_id=self.space)
        return str(made["id"])

    def new_bot(self) -> str:
        """In the space."""
        made = self._made(Who.OWNER, "/api/bots", name=uuid4().hex, space_id=self.space)
        return str(made["id"])

    def new_turn(self) -> str:
        """Spoken, in the space."""
        made = self._made(Who.OWNER, "/text", text="Hello", space_id=self.space)
        return str(made["session_id"])

    def new_delivery(self) -> str:
        return str(self._made(Who.OWNER, f"/api/webhooks/{self.new_webhook()}/test")["id"])

    def filled(self, body: dict[str, Any] | None) -> dict[str, Any] | None:
        """A body with the space's id where it is meant, and a transcript's."""
        if body is None:
            return None
        meant = {IN_THE_SPACE: lambda: self.space, A_TRANSCRIPT: lambda: [self.new_transcript()]}
        return {k: meant[v]() if isinstance(v, str) and v in meant else v for k, v in body.items()}

    def new_transcription(self, *, in_the_space: bool = False) -> str:
        """A recording handed over by the owner, read to its end."""
        client = self.clients[Who.OWNER]
        where = {"space_id": self.space} if in_the_space else {}
        handed = client.post("/api/transcribe", files=recording(), params=where)
        made = handed.raise_for_status().json()["id"]
        for _ in range(600):
            found = client.get(f"/api/transcribe/{made}", params=where).json()
            if found["status"] in ("done", "failed"):
                return str(made)
            time.sleep(0.1)
        raise AssertionError("the recording was never read")

    def new_reading(self) -> dict[str, str]:
        """A recording in the space that is read once more."""
        made = self.new_transcription(in_the_space=True)
        asked = self._made(Who.OWNER, f"/api/transcripts/{made}/readings")
        return {"id": made, "number": str(asked["number"])}

    def new_live_session(self) -> str:
        return str(self._made(Who.OWNER, "/api/streaming/sessions", language="en")["session_id"])

    def new_erasure(self) -> str:
        """The receipt of an erasure in the space."""
        ids = [self.new_transcript()]
        made = self._made(Who.OWNER, "/api/erasures/conversations", transcript_ids=ids)
        return str(made["items"][0]["id"])

    def new_saved_search(self) -> str:
        """One that is not shared."""
        for old in self.clients[Who.OWNER].get("/api/search/saved").json()["items"]:
            self.clients[Who.OWNER].delete(f"/api/search/saved/{old['id']}").raise_for_status()
        made = self._made(Who.OWNER, "/api/search/saved", name="Refunds", space_id=self.space)
        return str(made["id"])

    def new_transcript(self) -> str:
        """A final transcript of one segment in the space."""
        made = self._made(Who.OWNER, "/api/transcripts", space_id=self.space, title="Monday")["id"]
        self._made(Who.OWNER, f"/api/transcripts/{made}/segments", segments=[SEGMENT])
        self._made(Who.OWNER, f"/api/transcripts/{made}/finalise")
        return str(made)

    def new_analysis(self) -> str:
        """A transcript that is analysed."""
        made = self.new_transcript()
        self._made(Who.OWNER, f"/api/transcripts/{made}/analysis")
        return made

    def close(self) -> None:
        for client in self.clients.values():
            client.close()


FILLED: dict[str, Callable[[House], dict[str, str]]] = {
    "get_bot": lambda house: {"id": house.new_bot()},
    "export_bot": lambda house: {"id": house.new_bot()},
    "update_bot": lambda house: {"id": house.new_bot()},
    "delete_bot": lambda house: {"id": house.new_bot()},
    "get_audio_session": lambda house: {"id": house.new_turn()},
    "delete_audio_session": lambda house: {"id": house.new_turn()},
    "play_audio_session": lambda house: {"id": house.new_turn()},
    "update_space": lambda h: {"id": h.space},
    "delete_space": lambda h: {"id": h.space_with_everybody()},
    "list_members": lambda h: {"id": h.space},
    "update_member": lambda h: {"id": h.space, "user_id": h.new_member()},
    "remove_member": lambda h: {"id": h.space, "user_id": h.new_member()},
    "list_invitations": lambda h: {"id": h.space},
    "create_invitation": lambda h: {"id": h.space},
    "revoke_invitation": lambda h: {"id": h.space, "invitation_id": h.new_invitation()},
    "revoke_key": lambda h: {"id": h.new_key()},
    "update_budget": lambda h: {"id": h.new_budget()},
    "delete_budget": lambda h: {"id": h.new_budget()},
    "update_webhook": lambda h: {"id": h.new_webhook()},
    "delete_webhook": lambda h: {"id": h.new_webhook()},
    "rotate_webhook_secret": lambda h: {"id": h.new_webhook()},
    "test_webhook": lambda h: {"id": h.new_webhook()},
    "list_deliveries": lambda h: {"id": h.new_webhook()},
    "get_delivery": lambda h: {"id": h.new_delivery()},
    "replay_delivery": lambda h: {"id": h.new_delivery()},
    "get_transcribe": lambda h: {"id": h.new_transcription()},
    "export_transcribe": lambda h: {"id": h.new_transcription()},
    "play_transcribe": lambda h: {"id": h.new_transcription()},
    "delete_transcribe": lambda h: {"id": h.new_transcription()},
    "update_user": lambda h: {"id": h.new_member()},
    "play_transcript": lambda h: {"id": h.new_transcription(in_the_space=True)},
    "get_waveform": lambda h: {"id": h.new_transcription(in_the_space=True)},
    **{
        name: lambda h: {"id": h.new_live_session()}
        for name in (
            "get_live_session",
            "update_live_session",
            "delete_live_session",
            "create_live_token",
            "get_live_metrics",
            "get_live_log",
        )
    },
    "create_reading": lambda h: {"id": h.new_transcription(in_the_space=True)},
    "delete_reading": lambda h: h.new_reading(),
    "read_analysis": lambda h: {"id": h.new_analysis()},
    "delete_analysis": lambda h: {"id": h.new_analysis()},
    "get_retention": lambda h: {"id": h.space},
    "put_retention": lambda h: {"id": h.space},
    "get_erasure": lambda h: {"id": h.new_erasure()},
    "update_saved_search": lambda h: {"id": h.new_saved_search()},
    "delete_saved_search": lambda h: {"id": h.new_saved_search()},
    **{
        name: lambda h: {"id": h.new_transcript(), "number": "1"}
        for name in ("list_reading_segments", "compare_readings", "choose_reading")
    },
    **{
        name: lambda h: {"id": h.new_transcript(), "utterance_id": SEGMENT["utterance_id"]}
        for name in (
            "get_transcript",
            "update_transcript",
            "delete_transcript",
            "finalise_transcript",
            "list_segments",
            "append_segments",
            "update_segment",
            "list_edits",
            "rename_speaker",
            "read_document",
            "export_transcript",
            "list_speakers",
            "list_readings",
            "request_analysis",
            "ask_transcript",
        )
    },
}
"""What the address of a route names; made anew for every try, since some routes use it up."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server with all six kinds of people."""
    plenty = "1000000/minute"
    server = launch(
        tmp_path_factory.mktemp("access"),
        rate_limit=plenty,
        rate_limit_create=plenty,
        rate_limit_sign_in=plenty,
        webhook_allowed_networks="127.0.0.0/8",
    )
    assert server.link
    house: House | None = None
    try:
        house = House(server.url, server.link)
        yield house
    finally:
        if house:
            house.close()
        server.stop()


ROUTES = {
    operation["operationId"]: (method.upper(), path)
    for path, methods in document()["paths"].items()
    for method, operation in methods.items()
}


def test_every_route_says_who_may_use_it() -> None:
    assert set(ROUTES) - ENDS_A_SIGN_IN == set(RULES)


def test_nothing_is_open_by_mistake() -> None:
    """Counted by hand: an operation that joins these must be meant to."""
    assert {name for name, rule in RULES.items() if Who.STRANGER in rule.may or rule.proof} == {
        "healthz", "readyz", "version", "figures", "auth_options", "sign_in", "create_token", "claim_server",
        "start_oidc", "finish_oidc", "show_invitation", "accept_invitation",
    }  # fmt: skip


@pytest.mark.parametrize("who", list(Who))
@pytest.mark.parametrize("name", sorted(RULES))
def test_who_may(house: House, name: str, who: Who) -> None:
    method, path = ROUTES[name]
    rule = RULES[name]
    named = FILLED.get(name, lambda _: {})(house)
    for part in ("id", "user_id", "invitation_id", "token", "model", "utterance_id", "number"):
        path = path.replace(f"{{{part}}}", named.get(part, str(uuid4())))
    sent = (
        {"files": recording(), "data": {"model": "whisper-1"}}
        if rule.recording
        else {"files": SUBTITLES}
        if rule.subtitles
        else {"json": house.filled(rule.body)}
        if method != "GET"
        else {}
    )
    answer = house.clients[who].request(method, path, **sent)
    assert answer.status_code in rule.status_for(who), answer.text


@pytest.mark.parametrize("name", ["update_space", "list_members", "revoke_key"])
def test_another_s_is_answered_like_nobody_s(house: House, name: str) -> None:
    method, path = ROUTES[name]
    outsider = house.clients[Who.OUTSIDER]
    real = FILLED[name](house)["id"]
    answers = [
        outsider.request(
            method, path.replace("{id}", id_), json=RULES[name].body if method != "GET" else None
        )
        for id_ in (real, str(uuid4()))
    ]
    seen = [{k: v for k, v in a.json().items() if k != "correlation_id"} for a in answers]
    assert seen[0] == seen[1]
    assert answers[0].status_code == 404
