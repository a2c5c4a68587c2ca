"""Laws 2, 3, 4 and 5, and how a package looks: who may know what."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.rules.source import Module, Rule, dotted, keeps, modules, planted, under

pytestmark = pytest.mark.unit

DATABASE = ("sqlalchemy", "psycopg", "alembic")
WEB = ("fastapi", "starlette", "uvicorn")

CHOICES = {
    "tertulia.kernel.postgres": ("tertulia.kernel", "tertulia.server"),
    "tertulia.events.postgres": ("tertulia.events", "tertulia.server"),
    "tertulia.events.redis": ("tertulia.events", "tertulia.server"),
    "tertulia.blobs.opening": ("tertulia.server", "tertulia.cli"),
    "tertulia.blobs.backends": ("tertulia.blobs.opening", "tertulia.blobs.backends"),
    "uvicorn": ("tertulia.server",),
}
"""What is chosen in one place, and who may name it: that place, and the package it is made of."""

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 60
LISTS = {"tertulia.server.wiring.build"}
"""Functions that are long because they are lists, to be read from top to bottom."""


def stores_are_private(module: Module) -> Iterator[str]:
    for node, name in module.imports():
        parts = name.split(".")
        if parts[0] != "tertulia" or "store" not in parts[2:]:
            continue
        owner = ".".join(parts[: parts.index("store", 2)])
        if not under(module.name, owner):
            yield f"{module.at(node)} imports {name}, which is private to {owner}. Call {owner}'s service."


def domains_know_neither_database_nor_web(module: Module) -> Iterator[str]:
    if module.is_("domain"):
        yield from _forbidden(
            module, (*DATABASE, *WEB), "Domain types are plain: do it in store.py or api.py."
        )


def services_know_no_web(module: Module) -> Iterator[str]:
    if module.is_("service") or module.is_("tasks"):
        yield from _forbidden(module, WEB, "Do it in api.py, and give the service plain values.")


def apis_hold_no_rule(module: Module) -> Iterator[str]:
    if module.is_("api"):
        yield from _forbidden(module, DATABASE, "Ask the service.")
        for node, name in module.imports():
            if "store" in name.split(".")[2:] and name.startswith("tertulia."):
                yield f"{module.at(node)} imports {name}. An api asks its service, never a store."


def only_the_server_chooses(module: Module) -> Iterator[str]:
    for node, name in module.imports():
        for chosen, allowed in CHOICES.items():
            if under(name, chosen) and not under(module.name, *allowed):
                yield (
                    f"{module.at(node)} imports {name}. Only {' and '.join(allowed)} may choose it: "
                    "take the port in the constructor instead."
                )


def engines_are_chosen_by_the_server(module: Module) -> Iterator[str]:
    """A vendor's file is imported by the other engines, the host that runs it, and whoever chooses."""
    allowed = (
        "tertulia.speech.engines",
        "tertulia.speech.host",
        "tertulia.speech.local",
        "tertulia.server",
    )
    shared = {"base", "errors"}
    for node, name in module.imports():
        parts = name.split(".")
        vendor = (
            parts[:3] == ["tertulia", "speech", "engines"]
            and len(parts) > 3
            and parts[3] not in shared
        )
        if vendor and not under(module.name, *allowed):
            yield f"{module.at(node)} imports {name}. Take a Recognizer or Voice in the constructor instead."


def databases_are_opened_by_the_server(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        opens = isinstance(node, ast.Call) and dotted(node.func) in ("Database", "EmbeddedPostgres")
        if opens and module.package not in ("server", "kernel"):
            yield f"{module.at(node)} opens a database. Take it in the constructor; server/ opens it."


def services_never_commit(module: Module) -> Iterator[str]:
    if module.package in ("kernel", "server") or module.is_("api") or module.is_("tasks"):
        return
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "commit"
        ):
            yield (
                f"{module.at(node)} commits. The route or the job does, once everything is done; "
                "what follows goes to tx.after_commit."
            )


def routes_are_transactions(module: Module) -> Iterator[str]:
    """FastAPI ends `yield` dependencies after the answer is sent; a route class commits before."""
    if not any(name == "tertulia.kernel.http.Tx" for _, name in module.imports()):
        return
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or dotted(node.func) not in ("APIRouter", "Router"):
            continue
        if not any(keyword.arg == "route_class" for keyword in node.keywords):
            yield f"{module.at(node)}: its routes take a Tx. Give the router route_class=TransactionRoute."


def names_say_what_is_inside(module: Module) -> Iterator[str]:
    if bad := FORBIDDEN_NAMES & set(module.name.split(".")):
        yield f"{module.path}: `{bad.pop()}` says nothing. Name the noun that is inside."
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Manager", "Helper", "Utils")):
            yield f"{module.at(node)}: {node.name} says nothing. Name what it does."


def files_are_short(module: Module) -> Iterator[str]:
    lines = max((getattr(n, "end_lineno", 0) or 0 for n in ast.walk(module.tree)), default=0)
    if lines > MAX_FILE_LINES:
        yield f"{module.path} has {lines} lines, past {MAX_FILE_LINES}. Look for the second noun in it."
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or 0) - node.lineno + 1
            if f"{module.name}.{node.name}" in LISTS or _is_router(node):
                continue
            if length > MAX_FUNCTION_LINES:
                yield f"{module.at(node)}: {node.name} has {length} lines, past {MAX_FUNCTION_LINES}. Split it."


def _is_router(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A router's factory is a list of short routes, each measured by itself."""
    inner = [n for n in node.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return len(inner) >= 3


def _forbidden(module: Module, libraries: tuple[str, ...], instead: str) -> Iterator[str]:
    for node, name in module.imports():
        if under(name, *libraries):
            yield f"{module.at(node)} imports {name}. {instead}"


RULES: list[Rule] = [
    stores_are_private,
    domains_know_neither_database_nor_web,
    services_know_no_web,
    apis_hold_no_rule,
    only_the_server_chooses,
    engines_are_chosen_by_the_server,
    databases_are_opened_by_the_server,
    services_never_commit,
    routes_are_transactions,
    names_say_what_is_inside,
    files_are_short,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_program_keeps(rule: Rule) -> None:
    keeps(rule)


BROKEN: list[tuple[Rule, str, str]] = [
    (
        stores_are_private,
        "tertulia.webhooks.service",
        "from tertulia.identity.store import UserRow",
    ),
    (stores_are_private, "tertulia.webhooks.service", "from tertulia.identity import store"),
    (stores_are_private, "tertulia.speech.service", "import tertulia.speech.transcriptions.store"),
    (domains_know_neither_database_nor_web, "tertulia.x.domain", "from sqlalchemy import text"),
    (domains_know_neither_database_nor_web, "tertulia.x.domain", "def f():\n  import fastapi"),
    (services_know_no_web, "tertulia.x.service", "from fastapi import Request"),
    (services_know_no_web, "tertulia.x.service.keys", "from starlette.requests import Request"),
    (apis_hold_no_rule, "tertulia.x.api", "from sqlalchemy import select"),
    (apis_hold_no_rule, "tertulia.x.api.keys", "from tertulia.x.store import Row"),
    (
        only_the_server_chooses,
        "tertulia.x.service",
        "from tertulia.events.redis import RedisTransport",
    ),
    (
        only_the_server_chooses,
        "tertulia.x.service",
        "from tertulia.blobs.backends.s3 import S3Store",
    ),
    (
        engines_are_chosen_by_the_server,
        "tertulia.speech.service",
        "import tertulia.speech.engines.whisper",
    ),
    (databases_are_opened_by_the_server, "tertulia.x.service", "Database('postgresql://')"),
    (services_never_commit, "tertulia.x.service", "async def f(tx):\n  await tx.session.commit()"),
    (
        routes_are_transactions,
        "tertulia.x.api",
        "from tertulia.kernel.http import Tx\nroutes = APIRouter(prefix='/x')",
    ),
    (names_say_what_is_inside, "tertulia.x.utils", ""),
    (names_say_what_is_inside, "tertulia.x.service", "class KeyManager: ..."),
    (files_are_short, "tertulia.x.service", "\n" * 450 + "x = 1"),
    (files_are_short, "tertulia.x.service", "def f():\n" + "  x = 1\n" * 61),
]


@pytest.mark.parametrize(
    ("rule", "name", "code"), BROKEN, ids=lambda v: getattr(v, "__name__", None)
)
def test_a_breach_is_found(rule: Rule, name: str, code: str) -> None:
    assert list(rule(planted(code, name)))


KEPT: list[tuple[Rule, str, str]] = [
    (
        stores_are_private,
        "tertulia.identity.service.keys",
        "from tertulia.identity.store import UserRow",
    ),
    (stores_are_private, "tertulia.x.service", "from obstore.store import S3Store"),
    (apis_hold_no_rule, "tertulia.x.api", "from tertulia.x.service import Service"),
    (services_never_commit, "tertulia.x.api", "async def f(tx):\n  await tx.commit()"),
]


@pytest.mark.parametrize(("rule", "name", "code"), KEPT, ids=lambda v: getattr(v, "__name__", None))
def test_what_is_allowed_is_left_alone(rule: Rule, name: str, code: str) -> None:
    assert not list(rule(planted(code, name)))


def test_a_package_with_a_store_has_a_domain_and_a_service() -> None:
    names = {module.name for module in modules()}
    owners = {n.rsplit(".store", 1)[0] for n in names if n.endswith(".store")}
    missing = {
        f"{o}.{kind}"
        for o in owners
        for kind in ("domain", "service")
        if f"{o}.{kind}" not in names
    }
    assert owners
    assert not missing, f"{sorted(missing)} are missing: CONTRIBUTING.md says how a package looks."


def test_every_module_says_what_it_is() -> None:
    silent = [str(m.path) for m in modules() if not ast.get_docstring(m.tree) and m.tree.body]
    assert not silent, f"{silent} begin without a sentence that says what they are for."


def test_the_rules_look_at_the_whole_program() -> None:
    packages = {module.package for module in modules()}
    assert {"kernel", "identity", "events", "blobs", "jobs", "speech", "server", "cli"} <= packages
    assert all(Path(module.path).suffix == ".py" for module in modules())
