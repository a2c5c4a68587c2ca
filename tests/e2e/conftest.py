"""A real browser on a real server, with an owner who has made their account."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.e2e.people import Hall, Visitor, claimed
from tests.e2e.settings import ARGUMENTS, CHROMIUM, PAGE, SETTINGS
from tests.fixtures.server import launch

PATIENCE_MS = 20_000
"""How long the page may take on a machine that does other things beside."""

expect.set_options(timeout=PATIENCE_MS)


def _missing() -> str | None:
    if CHROMIUM is None:
        return "needs chromium (apt-get install chromium)"
    return None if PAGE.is_file() else "needs the page (make web)"


@pytest.fixture(scope="session", autouse=True)
def _what_is_needed() -> None:
    reason = _missing()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {"executable_path": CHROMIUM, "args": ARGUMENTS}


@pytest.fixture(scope="session")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """A server whose owner has an account; tests leave it as they like, so they look only at what they made."""
    server = launch(tmp_path_factory.mktemp("hall"), **SETTINGS)
    try:
        yield claimed(server)
    finally:
        server.stop()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visitor]:
    """Opens browsers' windows, and at the end asks whether the page complained in any of them."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_window(url: str, **options: Any) -> Page:
        context = browser.new_context(
            base_url=url, **{"locale": "en-GB", "reduced_motion": "reduce", **options}
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: _note(message.type, message.text, complaints))
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert complaints == []


def _note(kind: str, text: str, complaints: list[str]) -> None:
    # What the server refuses, or a cut line does, is told on the page; the browser repeats it on the console.
    if kind == "error" and not text.startswith(("Failed to load resource", "WebSocket connection")):
        complaints.append(text)


@pytest.fixture
def owner(hall: Hall, visit: Visitor) -> Page:
    """The owner, signed in, at home."""
    page = visit(hall.url, storage_state=hall.signed_in())
    page.goto("/")
    page.get_by_role("heading", level=1).wait_for()
    return page
