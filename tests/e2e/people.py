"""Who takes part in the tests in a browser, and how they get in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import httpx
from playwright.sync_api import Page
from tests.fixtures.server import RunningServer

PASSWORD = "a heron counts to nine"
OWNER = {"name": "First Owner", "email": "owner@example.org", "password": PASSWORD}


class Visitor(Protocol):
    """Opens a new browser's window on a server."""

    def __call__(self, url: str, **options: Any) -> Page: ...


class Hall:
    """A running server with an owner, and ways to prepare things without the page."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.url = server.url

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """The owner as a program with a cookie."""
        with httpx.Client(base_url=self.url, timeout=30) as client:
            credentials = {"email": OWNER["email"], "password": PASSWORD}
            client.post("/api/auth/sign-in", json=credentials).raise_for_status()
            me = client.get("/api/me").raise_for_status().json()
            client.headers["X-CSRF-Token"] = me["csrf_token"]
            yield client

    def signed_in(self) -> Any:
        """A browser's storage that holds a fresh session of the owner's."""
        with self.client() as client:
            cookies = [
                {
                    "name": cookie.name,
                    "value": cookie.value or "",
                    "domain": "127.0.0.1",
                    "path": cookie.path,
                    "expires": -1,
                    "httpOnly": True,
                    "secure": False,
                    "sameSite": "Lax",
                }
                for cookie in client.cookies.jar
            ]
        return {"cookies": cookies, "origins": []}


def claimed(server: RunningServer) -> Hall:
    """Makes the first account of a fresh server."""
    assert server.link is not None
    claim = {"link": server.link.partition("link=")[2], **OWNER}
    with httpx.Client(base_url=server.url, timeout=60) as client:
        client.post("/api/auth/claim", json=claim).raise_for_status()
    return Hall(server)


def fill_account(page: Page, name: str, email: str) -> None:
    """Fills in the form that every account begins with."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("New password").fill(PASSWORD)
