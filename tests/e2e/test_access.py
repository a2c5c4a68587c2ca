"""axe finds nothing to say on any page, in either theme, on a desk or a phone."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from tests.e2e.people import Hall, Visitor
from tests.e2e.places import INSIDE, OUTSIDE

pytestmark = pytest.mark.e2e

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
SIZES = {"desk": {"width": 1280, "height": 860}, "phone": {"width": 360, "height": 740}}


@pytest.fixture(scope="session")
def axe() -> str:
    if AXE.is_file():
        return AXE.read_text()
    reason = "needs axe-core (npm ci in web/)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def violations(page: Page, axe: str) -> list[str]:
    """What axe finds, each with the first element it found it in."""
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_function("() => !document.querySelector('.mantine-Skeleton-root')")
    page.evaluate(axe)
    found: list[dict[str, Any]] = page.evaluate("axe.run(document).then(r => r.violations)")
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_is_content(hall: Hall, visit: Visitor, axe: str, scheme: str, size: str) -> None:
    look = {"color_scheme": scheme, "viewport": SIZES[size]}
    inside = visit(hall.url, storage_state=hall.signed_in(), **look)
    outside = visit(hall.url, **look)
    found: dict[str, list[str]] = {}
    for page, paths in ((inside, INSIDE), (outside, OUTSIDE)):
        for path in paths:
            page.goto(path)
            found[path] = violations(page, axe)
    assert {path: said for path, said in found.items() if said} == {}


def test_axe_is_content_with_dialogs_and_menus(hall: Hall, visit: Visitor, axe: str) -> None:
    page = visit(hall.url, storage_state=hall.signed_in())
    found: dict[str, list[str]] = {}
    for path, button in (
        ("/settings/keys", "New key"),
        ("/settings/people", "Invite"),
        ("/settings/spaces", "New space"),
        ("/settings/webhooks", "New webhook"),
    ):
        page.goto(path)
        page.get_by_role("button", name=button, exact=True).first.click()
        page.get_by_role("dialog").wait_for()
        found[button] = violations(page, axe)
        page.keyboard.press("Escape")
    page.goto("/")
    page.get_by_role("button", name="Your account").first.click()
    page.get_by_role("menu").wait_for()
    found["menu"] = violations(page, axe)
    assert {what: said for what, said in found.items() if said} == {}
