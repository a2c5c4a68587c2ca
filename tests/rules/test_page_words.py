"""What the server names by a code, the page says in every language it speaks."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.rules.source import ROOT

from tertulia.kernel.settings import Settings
from tertulia.server import status
from tertulia.server.wiring import Services, described_services
from tertulia.speech.wording import ADVICE, REASONS

pytestmark = pytest.mark.unit

LANGUAGES = ("en", "es", "ru")
FILE = ROOT / "web/src/i18n"
ENDS_INSIDE = {"job_failed", "job_lost", "job_postponed", "live_ended", "start_refused"}
"""Codes of errors that end in a log or at a terminal, never in an answer."""
SLOT = re.compile(r"\{+(\w+)\}+")


@pytest.fixture(scope="module")
def services() -> Services:
    return described_services(Settings(_env_file=None))


@pytest.fixture(params=LANGUAGES)
def words(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the page says for the server, in one language."""
    path: Path = FILE / request.param / "server.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def unsaid(group: dict[str, str], codes: set[str]) -> list[str]:
    return sorted(code for code in codes if not group.get(re.sub(r"\W", "_", code)))


def test_every_error_code_is_said(words: dict[str, Any]) -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec
    assert spec.loader
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    missing = unsaid(words["problems"], set(generate.error_codes()) - ENDS_INSIDE)
    assert not missing, f"Say {missing} under `problems` in web/src/i18n/*/server.json."


def test_every_scope_is_said(words: dict[str, Any], services: Services) -> None:
    missing = unsaid(words["scopes"], {scope.name for scope in services.identity.scopes})
    assert not missing, f"Say {missing} under `scopes` in web/src/i18n/*/server.json."


def test_every_event_is_said(words: dict[str, Any], services: Services) -> None:
    missing = unsaid(words["eventTypes"], {type_.name for type_ in services.webhooks.types})
    assert not missing, f"Say {missing} under `eventTypes` in web/src/i18n/*/server.json."


def test_every_check_is_said(words: dict[str, Any], services: Services) -> None:
    names = set(status.checks(services))
    assert set(status.FIXES) == names
    assert not unsaid(words["checks"]["names"], names)
    assert not unsaid(words["checks"]["fixes"], names)
    assert not unsaid(words["checks"]["said"], {status.WORKS, status.TIMEOUT})


@pytest.mark.parametrize(("group", "known"), [("reasons", REASONS), ("advice", ADVICE)])
def test_all_that_is_told_of_engines_is_said_with_the_same_values(
    words: dict[str, Any], group: str, known: dict[str, str]
) -> None:
    said = words["engines"][group]
    assert set(said) == set(known)
    wrong = [c for c in known if set(SLOT.findall(said[c])) - set(SLOT.findall(known[c]))]
    assert not wrong, f"{wrong} ask for values that the server does not send."
