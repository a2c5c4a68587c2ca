"""The commands `users`, `keys` and `spaces`."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.identity import PASSWORD
from typer.testing import CliRunner, Result

from tertulia.cli.keys import parse_expiry
from tertulia.cli.main import app
from tertulia.identity.authenticator import Authenticator, Shown
from tertulia.identity.changes import Changes
from tertulia.identity.domain import Principal
from tertulia.identity.revocation import RevocationWatch
from tertulia.kernel.clock import SystemClock
from tertulia.kernel.database import Database
from tertulia.kernel.errors import InvalidRequestError


class Terminal:
    """Runs commands on one data folder and one database."""

    def __init__(self, conninfo: str, folder: Path) -> None:
        self._environment = {
            "TERTULIA_DATABASE_URL": conninfo,
            "TERTULIA_DATA": str(folder),
            "COLUMNS": "200",
        }

    def run(self, *arguments: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=typed, env=self._environment)

    def json(self, *arguments: str, typed: str | None = None) -> Any:
        result = self.run(*arguments, "--json", typed=typed)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def add(self, email: str, *arguments: str) -> Any:
        return self.json("users", "add", email, "--password-stdin", *arguments, typed=PASSWORD)


@pytest.fixture
def terminal(conninfo: str, tmp_path: Path) -> Terminal:
    return Terminal(conninfo, tmp_path)


def who_is(conninfo: str, secret: str) -> Principal | None:
    async def ask() -> Principal | None:
        database, clock, changes = Database(conninfo), SystemClock(), Changes()
        watch = RevocationWatch(database, clock, changes)
        authenticator = Authenticator(
            database, clock, changes, watch, session_life=timedelta(days=1)
        )
        try:
            return await authenticator.authenticate(Shown(secret))
        finally:
            await database.close()

    return asyncio.run(ask())


@pytest.mark.db
class TestCommands:
    def test_a_key_for_a_program(self, terminal: Terminal, conninfo: str) -> None:
        terminal.add("ana@example.org", "--owner")
        made = terminal.json(
            "keys", "create", "--name", "importer", "--scope", "status", "--expires", "90d"
        )
        assert set(made) == {"id", "key"}
        principal = who_is(conninfo, made["key"])
        assert principal is not None
        assert principal.scopes == {"status"}
        [listed] = terminal.json("keys", "list")
        assert made["key"] not in str(listed)
        terminal.json("keys", "revoke", listed["prefix"])
        assert who_is(conninfo, made["key"]) is None
        assert terminal.json("keys", "list") == []

    def test_people_from_coming_to_going(self, terminal: Terminal) -> None:
        ana = terminal.add("Ana@example.org", "--name", "Ana María", "--owner")
        assert (ana["email"], ana["name"], ana["is_owner"]) == (
            "ana@example.org",
            "Ana María",
            True,
        )
        bob = terminal.add("bob@example.org")
        assert terminal.json("users", "disable", "BOB@example.org")["disabled_at"] is not None
        assert terminal.json("users", "enable", bob["id"])["disabled_at"] is None
        terminal.json(
            "users", "password", "bob@example.org", "--password-stdin", typed="another heron counts"
        )
        assert [u["email"] for u in terminal.json("users", "list")] == [
            "bob@example.org",
            "ana@example.org",
        ]
        shown = terminal.run("users", "list")
        assert "ana@example.org" in shown.stdout
        last = terminal.run("users", "disable", "ana@example.org")
        assert last.exit_code == 1
        assert "last owner" in last.stderr

    def test_spaces_and_who_is_in_them(self, terminal: Terminal) -> None:
        terminal.add("ana@example.org", "--owner")
        space = terminal.json("spaces", "create", "Newsroom")["id"]
        terminal.add("bob@example.org", "--space", space, "--role", "ADMIN")
        terminal.add("cleo@example.org")
        terminal.json("spaces", "add", space, "cleo@example.org")
        terminal.json("spaces", "remove", space, "bob@example.org")
        members = terminal.json("spaces", "members", space)
        assert [(m["email"], m["role"]) for m in members] == [
            ("ana@example.org", "OWNER"),
            ("cleo@example.org", "MEMBER"),
        ]
        assert {s["name"] for s in terminal.json("spaces", "list")} == {"Home", "Newsroom"}

    def test_a_new_link_until_there_is_an_owner(self, terminal: Terminal) -> None:
        first = terminal.json("users", "link")["link"]
        assert "/sign-in?link=tl_" in first
        assert terminal.json("users", "link")["link"] != first
        terminal.add("ana@example.org", "--owner")
        refused = terminal.run("users", "link")
        assert (refused.exit_code, refused.stdout) == (1, "")

    @pytest.mark.parametrize(
        ("arguments", "exit_code", "says"),
        [
            (["users", "disable", "nobody@example.org"], 4, "users list"),
            (["users", "password", "x", "--password-stdin"], 1, "e-mail address"),
            (["users", "add", "ana@example.org"], 1, "--password-stdin"),
            (["keys", "create", "--name", "K", "--scope", "status"], 4, "users add --owner"),
            (["keys", "revoke", "tk_nothing"], 4, "keys list"),
            (["spaces", "members", "not-an-id"], 1, "spaces list"),
        ],
    )
    def test_what_cannot_be_done_says_what_to_do(
        self, terminal: Terminal, arguments: list[str], exit_code: int, says: str
    ) -> None:
        result = terminal.run(*arguments, typed=PASSWORD)
        assert result.exit_code == exit_code
        assert says in " ".join(result.stderr.split())
        assert PASSWORD not in result.output
        assert "Traceback" not in result.output


@pytest.mark.unit
class TestExpiry:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("90d", datetime(2026, 4, 1, tzinfo=UTC)),
            ("12h", datetime(2026, 1, 1, 12, tzinfo=UTC)),
            ("2030-01-31", datetime(2030, 1, 31, tzinfo=UTC)),
            ("2030-01-31T12:00:00+00:00", datetime(2030, 1, 31, 12, tzinfo=UTC)),
        ],
    )
    def test_it_is_read_as_people_write_it(self, text: str, moment: datetime) -> None:
        assert parse_expiry(text, self.now) == moment

    @pytest.mark.parametrize("text", ["", "soon", "90", "-1d", "2030-13-01"])
    def test_what_is_no_time_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidRequestError):
            parse_expiry(text, self.now)
