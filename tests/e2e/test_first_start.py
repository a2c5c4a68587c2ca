"""The first minutes: the printed link, the first account, out and in again."""

import re

import pytest
from playwright.sync_api import expect
from tests.e2e.people import OWNER, PASSWORD, Hall, Visitor, fill_account
from tests.fixtures.server import StartServer

pytestmark = pytest.mark.e2e


def test_printed_link_makes_the_first_account_once(
    start_server: StartServer, visit: Visitor
) -> None:
    server = start_server()
    assert server.link is not None
    page = visit(server.url)
    page.goto(server.link)
    expect(page.get_by_role("heading", name="Make your account")).to_be_visible()
    fill_account(page, OWNER["name"], OWNER["email"])
    page.get_by_role("button", name="Make my account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("First"))
    expect(page).to_have_url(f"{server.url}/")

    stranger = visit(server.url)
    stranger.goto(server.link)
    fill_account(stranger, "Somebody Else", "else@example.org")
    stranger.get_by_role("button", name="Make my account").click()
    expect(stranger.get_by_role("alert")).to_contain_text("This link has been used")


def test_without_an_account_the_page_says_where_the_link_is(
    start_server: StartServer, visit: Visitor
) -> None:
    page = visit(start_server().url)
    page.goto("/")
    expect(page.get_by_text("Open the one-time link that the server printed")).to_be_visible()


def test_signs_in_where_one_was_going_and_out_again(hall: Hall, visit: Visitor) -> None:
    page = visit(hall.url)
    page.goto("/settings/keys")
    page.get_by_label("E-mail").fill(OWNER["email"])
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The e-mail or the password is not right.")
    expect(alert.get_by_text("wrong_credentials · ")).to_be_visible()

    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1, name="Keys")).to_be_visible()
    expect(page).to_have_url(f"{hall.url}/settings/keys")

    page.get_by_role("button", name="Your account").first.click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/settings/keys")
    expect(page).to_have_url(re.compile("/sign-in"))


def test_a_session_ended_elsewhere_leads_to_the_sign_in_page(hall: Hall, visit: Visitor) -> None:
    page = visit(hall.url, storage_state=hall.signed_in())
    page.goto("/settings/me")
    expect(page.get_by_role("heading", level=1, name="Me")).to_be_visible()
    with hall.client() as client:
        client.delete("/api/me/sessions").raise_for_status()
    page.get_by_role("link", name="Keys").click()
    expect(page).to_have_url(f"{hall.url}/sign-in?next=%2Fsettings%2Fkeys")
