"""Signing in with a provider, as a browser goes through it: away, back, in; and what a refusal says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.e2e.people import OWNER, Hall, Visitor, claimed
from tests.e2e.settings import SETTINGS
from tests.fakes.oidc import CLIENT_ID, CLIENT_SECRET, FakeOidcProvider
from tests.fixtures.server import launch

pytestmark = pytest.mark.e2e


@pytest.fixture
def provider() -> Iterator[FakeOidcProvider]:
    provider = FakeOidcProvider()
    yield provider
    provider.stop()


@pytest.fixture
def hall_with_provider(tmp_path: Path, provider: FakeOidcProvider) -> Iterator[Hall]:
    settings = {
        "oidc_issuer": provider.url,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
        "oidc_name": "Village Login",
    }
    server = launch(tmp_path / "data", **SETTINGS, **settings)
    try:
        yield claimed(server)
    finally:
        server.stop()


def test_a_provider_lets_in_whom_it_knows_and_the_page_tells_of_refusals(
    hall_with_provider: Hall, provider: FakeOidcProvider, visit: Visitor
) -> None:
    hall = hall_with_provider
    page = visit(hall.url)
    button = page.get_by_role("link", name="Sign in with Village Login")

    provider.denies = True
    page.goto("/settings/keys")
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("The sign-in provider did not let you in")
    expect(page.get_by_role("alert")).to_contain_text("single_sign_on_failed")

    provider.denies = False
    provider.person = {**provider.person, "sub": "2", "email": "stranger@example.org"}
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("you have no account here")
    page.goto("/settings/keys")
    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()

    provider.person = {**provider.person, "sub": "1", "email": OWNER["email"]}
    button.click()
    expect(page.get_by_role("heading", level=1, name="Keys")).to_be_visible()
    expect(page).to_have_url(f"{hall.url}/settings/keys")
    page.get_by_role("button", name="Your account").first.click()
    expect(page.get_by_text(OWNER["email"])).to_be_visible()
    assert "/authorize" in provider.requests
    assert "/token" in provider.requests
