"""Tools reach what they were allowed to reach, and nothing else."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from tests.fakes.loopback import served
from tests.fakes.talking import NoSearch

from tertulia.bots.domain import Bot, HttpTool, Parameter, Rights, checked
from tertulia.bots.tools import MOST_ANSWER_BYTES, Toolbox
from tertulia.kernel.errors import InvalidRequestError
from tertulia.kernel.outbound import OutboundGuard, guarded_client
from tertulia.kernel.sealing import Seal

pytestmark = pytest.mark.unit


SEAL = Seal(Path("nowhere"), SecretStr("k" * 32))


@pytest.fixture
async def toolbox() -> AsyncIterator[Toolbox]:
    """May reach this machine, as only a setting can allow."""
    client = guarded_client(OutboundGuard(["127.0.0.0/8"]), timeout_seconds=1)
    box = Toolbox(client, NoSearch(), SEAL)
    yield box
    await box.close()


@pytest.fixture
async def shop() -> AsyncIterator[str]:
    async def order(request: Request) -> Response:
        body = (await request.body()).decode()
        return JSONResponse(
            {
                "path": request.scope["raw_path"].decode(),
                "query": str(request.query_params),
                "body": body,
                "key": request.headers.get("authorization"),
            }
        )

    async def away(_: Request) -> Response:
        return RedirectResponse("http://127.0.0.1/secret")

    async def long(_: Request) -> Response:
        return Response("x" * 100_000)

    app = Starlette(
        routes=[
            Route("/away", away),
            Route("/long", long),
            Route("/{rest:path}", order, methods=["GET", "POST"]),
        ]
    )
    async with served(app) as url:
        yield url


def bot_with(url: str, **more: Any) -> Bot:
    parameters = (Parameter("number"), Parameter("note", required=False))
    tool = HttpTool("order", "", url, parameters=parameters, **more)
    return Bot(uuid4(), uuid4(), "b", tools=(tool,), allowed_hosts=("127.0.0.1",))


async def ask(box: Toolbox, bot: Bot, **arguments: Any) -> str:
    return await box.call(bot, Rights(), "order", arguments)


async def test_parameters_go_into_the_address_quoted_and_the_rest_beside(
    toolbox: Toolbox, shop: str
) -> None:
    bot = bot_with(f"{shop}/orders/{{number}}?x=1", headers={"Authorization": "Bearer s"})
    answer = await ask(toolbox, bot, number="../../admin?a=b#c@evil.org", note="two words")
    assert '"path":"/orders/..%2F..%2Fadmin%3Fa%3Db%23c%40evil.org"' in answer
    assert '"query":"x=1&note=two+words"' in answer
    assert '"key":"Bearer s"' in answer
    posted = await ask(toolbox, bot_with(f"{shop}/o", method="POST"), number="7", note="n")
    assert '{\\"number\\": \\"7\\", \\"note\\": \\"n\\"}' in posted
    assert '"path":"/orders/%2E%2E"' in await ask(toolbox, bot, number="..")


async def test_answers_are_cut_redirects_are_not_followed_and_failures_are_told(
    toolbox: Toolbox, shop: str
) -> None:
    assert len(await ask(toolbox, bot_with(f"{shop}/long"), number=1)) == MOST_ANSWER_BYTES
    assert "answered 307" in await ask(toolbox, bot_with(f"{shop}/away"), number=1)
    assert "number is missing" in await ask(toolbox, bot_with(f"{shop}/o"))
    assert "none of that name" in await toolbox.call(bot_with(shop), Rights(), "other", {})


async def test_an_address_inside_is_refused(shop: str) -> None:
    box = Toolbox(guarded_client(OutboundGuard()), NoSearch(), SEAL)
    answer = await ask(box, bot_with(f"{shop}/orders"), number=1)
    assert answer.startswith("The tool failed: ")
    assert "secret" not in answer
    await box.close()


async def test_a_host_that_is_not_listed_is_refused(toolbox: Toolbox, shop: str) -> None:
    bot = replace(bot_with(f"{shop}/o"), allowed_hosts=("api.example.org",))
    assert "not one the bot may ask" in await ask(toolbox, bot, number=1)


async def test_nobody_answers() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    box = Toolbox(httpx.AsyncClient(transport=httpx.MockTransport(refuse)), NoSearch(), SEAL)
    assert "did not answer" in await ask(box, bot_with("http://127.0.0.1/o"), number=1)


async def test_searching_takes_the_caller_s_right(toolbox: Toolbox) -> None:
    bot = replace(bot_with("http://127.0.0.1/o"), may_search=True)
    asked = {"words": "heron"}
    may = Rights((uuid4(),), may_search=True)
    assert await toolbox.call(bot, may, "search_conversations", asked) == "found heron"
    assert "Nothing" in await toolbox.call(bot, Rights(), "search_conversations", asked)
    plain = replace(bot, may_search=False)
    assert "none of that name" in await toolbox.call(plain, may, "search_conversations", asked)
    assert [t.name for t in toolbox.of(bot, may)] == ["order", "search_conversations"]
    assert [t.name for t in toolbox.of(bot, Rights())] == ["order"]


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("https://{host}/x", ("example.org",)),
        ("https://example.org/{who}", ("example.org",)),
        ("ftp://example.org/", ("example.org",)),
        ("https://user:pw@example.org/", ("example.org",)),
        ("https://example.org.evil.com/", ("example.org",)),
        ("https://evil.com/", ("*.example.org",)),
        ("https://example.org/", ("*.example.org",)),
        ("https://example.org\\@evil.com/", ("example.org",)),
        ("nonsense", ("example.org",)),
        ("https://example.org/", ("http://example.org",)),
    ],
)
def test_a_tool_that_could_lead_elsewhere_is_refused(url: str, hosts: tuple[str, ...]) -> None:
    tool = HttpTool("order", "", url, parameters=(Parameter("host"),))
    with pytest.raises(InvalidRequestError):
        checked(Bot(uuid4(), None, "b", tools=(tool,), allowed_hosts=hosts))


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("https://api.example.org/{host}", ("*.example.org",)),
        ("http://example.org:8080/x", ("EXAMPLE.org",)),
    ],
)
def test_a_tool_at_a_listed_host_is_taken(url: str, hosts: tuple[str, ...]) -> None:
    tool = HttpTool("order", "", url, parameters=(Parameter("host"),))
    assert checked(Bot(uuid4(), None, "b", tools=(tool,), allowed_hosts=hosts)).tools
