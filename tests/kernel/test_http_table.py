"""The table answers as FastAPI does, and finds the route that FastAPI would."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Cookie, Depends, FastAPI, Header, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from tertulia.kernel.database import Database
from tertulia.kernel.errors import ConflictError, TertuliaError
from tertulia.kernel.http import (
    Limit,
    Router,
    TransactionRoute,
    Tx,
    explain_http,
    explain_validation,
    problem_response,
)
from tertulia.kernel.http_table import TEMPLATE, RouteTable
from tertulia.kernel.settings import Settings
from tertulia.server.app import create_api
from tertulia.server.wiring import described_services

pytestmark = pytest.mark.unit


class Thing(BaseModel):
    """Something with a name of its own on the wire."""

    id: UUID | None = None
    name: str = Field(serialization_alias="called")
    note: str | None = None


class Counted:
    """A dependency that is an object, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, request: Request) -> int:
        self.asked += 1
        return self.asked


COUNTED = Counted()


async def second(first: Annotated[int, Depends(COUNTED)], q: str = "none") -> str:
    return f"{first} {q}"


async def refused() -> None:
    raise ConflictError("Not now.")


async def _id(given: Annotated[UUID, Path(alias="id")]) -> UUID:
    return given


Id = Annotated[str, Path(alias="id")]


def things() -> Router:
    """Routes of every kind there is here."""
    api = Router(prefix="/things", tags=["things"], route_class=TransactionRoute)

    @api.get("/special")
    async def before() -> str:
        return "special"

    @api.get("/{id}")
    async def one(tx: Tx, id_: Annotated[UUID, Depends(_id)]) -> Thing:
        return Thing(id=id_, name="one")

    @api.get("/after", name="never reached")
    async def after() -> str:
        return "after"

    @api.get("", response_model_exclude_none=True)
    async def listed(limit: Limit = 2, name: str | None = None) -> list[Thing]:
        return [Thing(name=name or str(n)) for n in range(limit)]

    @api.post("", status_code=201)
    async def made(body: Thing) -> Thing:
        return body

    @api.delete("/{id}", status_code=204)
    async def gone(id_: Id, response: Response) -> None:
        response.headers["X-Gone"] = id_

    @api.get("/{id}/twice")
    async def twice(
        id_: Id, a: Annotated[int, Depends(COUNTED)], b: Annotated[str, Depends(second)]
    ) -> dict[str, Any]:
        return {"same": b.split()[0] == str(a), "q": b.split()[1]}

    _add_odd(api)
    return api


def _add_odd(api: APIRouter) -> None:
    """Those that set headers, refuse, answer by themselves or run in a thread."""

    @api.get("/{id}/read")
    async def read(
        response: Response,
        x_kind: Annotated[str, Header()],
        crumb: Annotated[str | None, Cookie()] = None,
    ) -> dict[str, str | None]:
        response.status_code = 202
        response.set_cookie("crumb", "eaten")
        return {"kind": x_kind, "crumb": crumb}

    @api.get("/{id}/clash", dependencies=[Depends(refused)])
    async def clash() -> str:
        return "never"

    @api.get("/{id}/plain")
    async def plain() -> Response:
        return Response("as it is", media_type="text/plain", headers={"X-Own": "yes"})

    @api.get("/{id}/teapot")
    async def teapot() -> str:
        raise HTTPException(418, "short and stout")

    @api.get("/{id}/thread")
    def thread() -> str:
        return "in a thread"

    @api.get("/{id}/broken")
    async def broken() -> Thing:
        return {"name": 3}  # type: ignore[return-value]


def zoo() -> FastAPI:
    """An application, one router inside another, on a database that does not exist."""
    app = FastAPI()
    app.state.database = Database("host=/nonexistent dbname=x")
    outer = Router(prefix="/api")
    outer.include_router(things())
    app.include_router(outer)

    async def known(_: Request, error: Exception) -> Response:
        assert isinstance(error, TertuliaError)
        return problem_response(error)

    async def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_response(explain_validation(error))

    async def refuse(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return explain_http(error)

    app.add_exception_handler(TertuliaError, known)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, refuse)
    return app


SOME = "2183e372-f650-4cf4-acbc-8c06e0657032"
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/api/things/special", {}),
    ("GET", f"/api/things/{SOME}", {}),
    ("GET", "/api/things/after", {}),
    ("GET", "/api/things", {}),
    ("GET", "/api/things?limit=1&name=%C3%A9t%C3%A9", {}),
    ("GET", "/api/things?limit=0", {}),
    ("GET", "/api/things?limit=many", {}),
    ("POST", "/api/things", {"json": {"name": "made"}}),
    ("POST", "/api/things", {"json": {"nome": "made"}}),
    ("POST", "/api/things", {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    ("DELETE", "/api/things/7", {}),
    ("GET", "/api/things/7/twice?q=asked", {}),
    ("GET", "/api/things/7/read", {"headers": {"X-Kind": "head", "Cookie": "crumb=dry"}}),
    ("GET", "/api/things/7/read", {}),
    ("GET", "/api/things/7/clash", {}),
    ("GET", "/api/things/7/plain", {}),
    ("GET", "/api/things/7/teapot", {}),
    ("GET", "/api/things/7/thread", {}),
    ("GET", "/api/things/a%2Fb", {}),
    ("GET", "/api/nothing", {}),
    ("PUT", "/api/things", {}),
    ("GET", "/api/things/", {}),
    ("GET", "/", {}),
]


async def ask(app: Any, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://zoo.test") as client:
        return await client.request(method, path, **options)


def planned(app: FastAPI) -> RouteTable:
    table = RouteTable(app)
    table.build()
    return table


@pytest.mark.parametrize(("method", "path", "options"), REQUESTS)
async def test_the_answer_is_the_one_fastapi_gives(
    method: str, path: str, options: dict[str, Any]
) -> None:
    app = zoo()
    theirs = await ask(app, method, path, options)
    ours = await ask(planned(app), method, path, options)
    assert ours.status_code == theirs.status_code
    assert ours.content == theirs.content
    assert sorted(ours.headers.multi_items()) == sorted(theirs.headers.multi_items())


async def test_an_answer_that_is_not_what_was_promised_is_an_error() -> None:
    with pytest.raises(Exception, match="response"):
        await ask(planned(zoo()), "GET", "/api/things/7/broken", {})


async def test_a_dependency_is_asked_once_a_request() -> None:
    before = COUNTED.asked
    answer = await ask(planned(zoo()), "GET", "/api/things/7/twice", {})
    assert answer.json() == {"same": True, "q": "none"}
    assert COUNTED.asked == before + 1


async def test_a_request_that_asks_the_database_nothing_opens_no_connection() -> None:
    app = zoo()
    assert (await ask(planned(app), "GET", f"/api/things/{SOME}", {})).status_code == 200
    assert app.state.database.engine.pool.checkedin() == 0


async def test_overridden_dependencies_are_heeded() -> None:
    app = zoo()
    app.dependency_overrides[refused] = lambda: None
    assert (await ask(planned(app), "GET", "/api/things/7/clash", {})).json() == "never"


async def test_the_first_requests_do_not_wait_for_the_table() -> None:
    app = zoo()
    table, seen = RouteTable(app), []

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        await table(scope, receive, send)
        seen.append(TEMPLATE in scope)

    assert (await ask(watched, "GET", "/api/things/special", {})).json() == "special"
    assert table._building is not None
    await table._building
    assert (await ask(watched, "GET", "/api/things/special", {})).json() == "special"
    assert seen == [False, True]


@pytest.fixture(scope="module")
def api() -> FastAPI:
    """The whole API as it is served."""
    return create_api(described_services(Settings(_env_file=None)))


def samples(context: RouteContext) -> Sequence[str]:
    """Addresses of a route: with ids in the place of values, and with words."""
    path = context.path_format or ""
    names = context.param_convertors
    return [path.format(**dict.fromkeys(names, v)) for v in (SOME, "special", "export", "7")]


async def test_every_route_is_found_where_fastapi_would_find_it(api: FastAPI) -> None:
    table = planned(api)
    contexts = [
        c for c in iter_route_contexts(api.routes) if isinstance(c.original_route, APIRoute)
    ]
    found = 0
    for context in contexts:
        for method in context.methods or ():
            for path in samples(context):
                first = next(
                    c for c in contexts if method in (c.methods or ()) and c.path_regex.match(path)
                )
                entry, _ = table._find(method, path)
                if entry is None:  # of any number of parts: FastAPI finds it
                    assert ":path" in (first.path or ""), path
                    continue
                assert entry.route is first.original_route, path
                found += 1
    assert found > 400


async def test_reads_have_plans(api: FastAPI) -> None:
    table = planned(api)
    for path in ("/api/me", "/api/scopes", "/api/keys", "/api/transcripts", "/api/search"):
        entry, _ = table._find("GET", path)
        assert entry is not None, path
        assert entry.handle is not None, path
    entry, _ = table._find("POST", "/api/keys")
    assert entry is not None
    assert entry.handle is None
