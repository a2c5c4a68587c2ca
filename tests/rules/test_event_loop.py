"""Law 6: nothing blocks the event loop, as far as the source can tell."""

import ast
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from tests.rules.source import Module, dotted, keeps, planted

from tertulia.kernel.settings import Settings
from tertulia.server.app import create_api
from tertulia.server.wiring import described_services

pytestmark = pytest.mark.unit

BLOCKING = {
    "time.sleep": "await the clock's sleep",
    "open": "read it in a thread: asyncio.to_thread",
    "os.fsync": "asyncio.to_thread",
    "os.system": "asyncio.create_subprocess_exec",
    "subprocess.run": "asyncio.create_subprocess_exec, or asyncio.to_thread",
    "subprocess.check_output": "asyncio.create_subprocess_exec",
    "subprocess.check_call": "asyncio.create_subprocess_exec",
    "urllib.request.urlopen": "httpx.AsyncClient",
    "socket.create_connection": "asyncio.open_connection",
    "socket.getaddrinfo": "loop.getaddrinfo",
    "psycopg.connect": "psycopg.AsyncConnection.connect",
    "shutil.copy": "asyncio.to_thread",
    "shutil.copyfile": "asyncio.to_thread",
    "shutil.copytree": "asyncio.to_thread",
    "shutil.rmtree": "asyncio.to_thread",
    "av.open": "asyncio.to_thread",
}
BLOCKING_MODULES = ("requests", "httpx.get", "httpx.post", "httpx.stream", "httpx.Client", "pickle")
BLOCKING_METHODS = {"read_text", "write_text", "read_bytes", "write_bytes", "recognise_blocking"}


def nothing_blocks(module: Module) -> Iterator[str]:
    for function in ast.walk(module.tree):
        if isinstance(function, ast.AsyncFunctionDef):
            for node in own_body(function):
                if isinstance(node, ast.Call) and (instead := blocks(node)):
                    yield (
                        f"{module.at(node)}: {dotted(node.func)}() in async {function.name} stops everybody. "
                        f"Use {instead}."
                    )


def own_body(function: ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """What runs on the event loop: nested functions and lambdas may be meant for a thread."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def blocks(call: ast.Call) -> str | None:
    name = dotted(call.func)
    if name in BLOCKING:
        return BLOCKING[name]
    if any(name == m or name.startswith(f"{m}.") for m in BLOCKING_MODULES):
        return "httpx.AsyncClient, or a thread"
    if isinstance(call.func, ast.Attribute) and call.func.attr in BLOCKING_METHODS:
        # a path needs no more than an encoding to be read; who is given something to read reads that
        given = call.func.attr.startswith("read") and any(
            not isinstance(argument, ast.Constant) for argument in call.args
        )
        return None if given else "asyncio.to_thread"
    return None


def test_nothing_blocks_the_event_loop() -> None:
    keeps(nothing_blocks)


@pytest.mark.parametrize(
    "code",
    [
        "time.sleep(1)",
        "with open('x') as f: pass",
        "requests.get('http://x')",
        "Path('x').read_text()",
        "path.read_text('utf-8')",
        "if x:\n      for y in z:\n        subprocess.run(['x'])",
        "httpx.Client().get('x')",
    ],
)
def test_a_blocking_call_is_found(code: str) -> None:
    assert list(nothing_blocks(planted(f"async def f():\n    {code}")))


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n  time.sleep(1)",
        "async def f():\n  def work():\n    open('x')\n  await asyncio.to_thread(work)",
        "async def f():\n  await asyncio.to_thread(path.read_text)",
        "async def f():\n  await clock.sleep(1)",
        "async def f():\n  protocol.read_text(message)",
    ],
)
def test_what_runs_elsewhere_is_left_alone(code: str) -> None:
    assert not list(nothing_blocks(planted(code)))


def test_no_route_or_dependency_is_sent_to_a_thread() -> None:
    """FastAPI runs plain functions on its thread pool: two switches of thread for a line that waits for nothing."""
    sent = sorted(
        {
            f"{call.__module__}.{call.__qualname__}"
            for route in iter_route_contexts(create_api(described_services(Settings())).routes)
            if isinstance(route.original_route, APIRoute)
            for call in _calls(route.dependant)
            if not _is_async(call)
        }
    )
    assert sent == []


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for below in dependant.dependencies:
        yield from _calls(below)


def _is_async(call: Any) -> bool:
    return any(
        inspect.iscoroutinefunction(f) or inspect.isasyncgenfunction(f)
        for f in (call, getattr(call, "__call__", None))  # noqa: B004 - the method itself is asked for
    )
