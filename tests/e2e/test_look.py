"""Theme, language, phones and the keyboard."""

import re

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.people import Hall, Visitor
from tests.e2e.places import INSIDE

pytestmark = pytest.mark.e2e

PHONE = {"width": 360, "height": 740}


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_theme_follows_the_system_until_one_is_chosen(hall: Hall, visit: Visitor) -> None:
    state = hall.signed_in()
    page = visit(hall.url, storage_state=state, color_scheme="dark")
    page.goto("/settings/me")
    page.get_by_role("radio", name="As the system").wait_for(state="attached")
    assert background(page) == "rgb(23, 21, 19)"
    page.get_by_text("Light", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "light")
    assert background(page) == "rgb(251, 249, 245)"
    with page.expect_response("**/api/me"):
        page.reload()
    assert background(page) == "rgb(251, 249, 245)"

    elsewhere = visit(hall.url, storage_state=hall.signed_in(), color_scheme="dark")
    elsewhere.goto("/")
    expect(elsewhere.locator("html")).to_have_attribute("data-mantine-color-scheme", "light")
    page.get_by_text("As the system", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")


def test_language_changes_at_once_and_stays(hall: Hall, visit: Visitor) -> None:
    page = visit(hall.url, storage_state=hall.signed_in())
    page.goto("/settings/me")
    page.get_by_text("Русский", exact=True).click()
    expect(page.get_by_role("heading", name="Язык и вид")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    expect(page).to_have_title("Я · Tertulia")

    elsewhere = visit(hall.url, storage_state=hall.signed_in())
    elsewhere.goto("/settings/keys")
    expect(elsewhere.get_by_role("heading", level=1, name="Ключи")).to_be_visible()
    with elsewhere.expect_response(lambda answer: answer.request.method == "PATCH"):
        elsewhere.goto("/settings/me")
        elsewhere.get_by_text("English", exact=True).click()
    expect(elsewhere.get_by_role("heading", level=1, name="Me")).to_be_visible()


def test_signing_in_speaks_the_browsers_language(hall: Hall, visit: Visitor) -> None:
    page = visit(hall.url, locale="es-MX")
    page.goto("/")
    expect(page.get_by_role("heading", name="Iniciar sesión")).to_be_visible()


@pytest.mark.parametrize("path", INSIDE)
def test_phone_has_every_room_in_one_column(hall: Hall, visit: Visitor, path: str) -> None:
    page = visit(hall.url, storage_state=hall.signed_in(), viewport=PHONE, has_touch=True)
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    bar = page.get_by_role("navigation", name="Rooms")
    expect(bar).to_be_in_viewport()
    # what does not fit into the bar is behind its last place
    bar.get_by_role("button", name="More").click()
    bar.get_by_role("menuitem", name="Settings").click()
    expect(page.get_by_role("heading", level=1, name="Me")).to_be_visible()


def test_everything_is_reached_by_keyboard(hall: Hall, visit: Visitor) -> None:
    page = visit(hall.url, storage_state=hall.signed_in())
    page.goto("/settings/keys")
    page.get_by_role("heading", level=1, name="Keys").wait_for()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Me", exact=True)).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"

    new_key = page.get_by_role("button", name="New key").first
    for _ in range(10):
        if new_key.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    name = page.get_by_role("dialog").get_by_label("Name")
    expect(name).to_be_focused()
    page.keyboard.type("By keyboard")
    # the scopes come from the server; before they do, the next stop is another
    page.get_by_role("dialog").get_by_role("checkbox").first.wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("dialog").get_by_role("checkbox").first).to_be_checked()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(new_key).to_be_focused()


def test_slash_goes_to_the_search(owner: Page) -> None:
    owner.goto("/settings/people")
    field = owner.get_by_role("searchbox", name="Search people")
    expect(field).to_be_visible()
    owner.keyboard.press("/")
    expect(field).to_be_focused()
    owner.keyboard.type("nobody like this")
    expect(owner.get_by_text(re.compile("Nothing here matches")).first).to_be_visible()
    owner.keyboard.press("Escape")
    expect(field).to_have_value("")


def test_unknown_address_is_told_and_leads_home(owner: Page) -> None:
    owner.goto("/no/such/place")
    expect(owner.get_by_role("heading", name="There is nothing at this address")).to_be_visible()
    owner.get_by_role("link", name="Go home").click()
    expect(owner.get_by_role("navigation", name="Rooms").first).to_be_visible()
