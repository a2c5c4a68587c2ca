"""The API as its description says: nothing a stranger sends may break the server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from tests.fixtures.server import RunningServer, launch

from tertulia.server.openapi import document

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

EXAMPLES = 5
DESCRIPTION = document()
"""Made once: putting the whole API together takes a second."""
ENDS_A_SIGN_IN = {"sign_out", "end_session", "end_other_sessions", "change_password"}
"""Operations that would end the sign-in the rest of the test needs."""


@schemathesis.serializer("application/toml")
def as_it_is(_: schemathesis.SerializationContext, value: object) -> dict[str, bytes]:
    """A file of settings travels as the text it is, whether it can be read or not."""
    return {"data": value if isinstance(value, bytes) else str(value).encode(errors="replace")}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server without limits that a fuzzer would run into."""
    plenty = "100000000/minute"
    running = launch(
        tmp_path_factory.mktemp("fuzzed"),
        rate_limit=plenty,
        rate_limit_create=plenty,
        rate_limit_sign_in=plenty,
    )
    yield running
    running.stop()


@pytest.fixture(scope="module")
def token(server: RunningServer) -> str:
    """A bearer token of the server's owner."""
    person = {"name": "Ana", "email": "ana@example.org", "password": "correct horse battery"}
    assert server.link
    with httpx.Client(base_url=server.url, timeout=60) as client:
        secret = server.link.split("link=")[1]
        client.post("/api/auth/claim", json={"link": secret, **person}).raise_for_status()
        client.cookies.clear()
        sign_in = {key: person[key] for key in ("email", "password")}
        answer = client.post("/api/auth/token", json=sign_in)
        return str(answer.raise_for_status().json()["token"])


@pytest.fixture(scope="module")
def api(server: RunningServer) -> Any:
    """The description the server itself gives."""
    return schemathesis.openapi.from_url(f"{server.url}/api/openapi.json")


def not_broken(context: Any, response: Any, case: Any) -> Any:
    """No 5xx, but the one that says this machine has no engine for the language asked for."""
    if response.status_code == 503 and response.json()["code"] == "engine_unavailable":
        return None
    return not_a_server_error(context, response, case)


def tried(api: Any, name: str, examples: int, headers: dict[str, str]) -> None:
    """Sends one operation what its description allows, and what it does not."""
    path, method = next(
        (path, method)
        for path, methods in DESCRIPTION["paths"].items()
        for method, operation in methods.items()
        if operation["operationId"] == name
    )

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=api[path][method.upper()].as_strategy())
    def answers(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=[not_broken], timeout=60)

    answers()


NAMES = sorted(
    operation["operationId"]
    for methods in DESCRIPTION["paths"].values()
    for operation in methods.values()
)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ENDS_A_SIGN_IN])
def test_nothing_sent_breaks_the_server(api: Any, token: str, name: str) -> None:
    tried(api, name, EXAMPLES, {"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("name", NAMES)
def test_nothing_a_stranger_sends_breaks_it_either(api: Any, name: str) -> None:
    tried(api, name, 2, {})


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, methods in DESCRIPTION["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_is_named_summed_up_and_filed() -> None:
    bare = [
        f"{method} {path}"
        for method, path, operation in operations()
        if not (operation.get("summary") and operation.get("tags") and operation.get("operationId"))
    ]
    assert bare == []


def test_no_two_operations_share_a_name() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert sorted(set(names)) == sorted(names)


def test_the_description_in_the_page_is_the_server_s(server: RunningServer) -> None:
    import json

    committed = json.loads((Path(__file__).parents[2] / "web" / "openapi.json").read_text())
    served = httpx.get(f"{server.url}/api/openapi.json", timeout=60).json()
    assert served == committed


def test_the_reference_page_lists_every_operation(server: RunningServer) -> None:
    answer = httpx.get(f"{server.url}/api/docs", timeout=60)
    assert answer.headers["content-type"].startswith("text/html")
    for _, path, _ in operations():
        assert path.replace("&", "&amp;") in answer.text
