"""A key's life: made, shown once, used, revoked."""

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.e2e.people import Hall

pytestmark = pytest.mark.e2e


def test_key_is_made_used_and_revoked(hall: Hall, owner: Page) -> None:
    owner.goto("/settings/keys")
    owner.get_by_role("button", name="New key").first.click()
    dialog = owner.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Recorder")
    dialog.get_by_role("checkbox", name="identity:read").check()
    dialog.get_by_role("button", name="New key").click()
    shown = owner.get_by_label("Key", exact=True)
    key = shown.text_content() or ""
    owner.get_by_role("button", name="Done").click()
    expect(shown).to_have_count(0)

    bearer = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=hall.url, headers=bearer, timeout=60) as program:
        assert program.get("/api/me").json()["user"]["email"] == "owner@example.org"
        assert program.get("/api/status").status_code == 403

        row = owner.get_by_role("listitem").filter(has_text="Recorder")
        expect(row.get_by_text(key[:8])).to_be_visible()
        row.get_by_role("button", name="Revoke Recorder").click()
        owner.get_by_role("dialog").get_by_role("button", name="Revoke", exact=True).click()
        expect(row).to_have_count(0)
        assert program.get("/api/me").status_code == 401


def test_key_needs_a_scope(owner: Page) -> None:
    owner.goto("/settings/keys")
    owner.get_by_role("button", name="New key").first.click()
    dialog = owner.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Nothing")
    expect(dialog.get_by_role("button", name="New key")).to_be_disabled()
