"""Costs: what was used, where that leads, and a budget set, changed and taken back."""

import re

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.people import Hall

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

MADE_MS = 120_000


def test_use_is_counted_and_leads_to_conversations(hall: Hall, owner: Page) -> None:
    with hall.client() as client:
        made = client.post("/api/transcripts", json={"kind": "calls", "title": "A call"}).json()
        segment = {"utterance_id": "u1", "text": "I will send it by Friday.", "start": 0, "end": 2}
        here = f"/api/transcripts/{made['id']}"
        client.post(f"{here}/segments", json={"segments": [segment]}).raise_for_status()
        client.post(f"{here}/finalise").raise_for_status()
        client.post(f"{here}/analysis", json={}).raise_for_status()
    owner.goto(f"/library/{made['id']}")
    expect(owner.get_by_text("Made offline by rules")).to_be_visible(timeout=MADE_MS)

    owner.goto("/costs")
    owner.locator("label").filter(has_text="Uses").click()
    chart = owner.get_by_role("figure").filter(has_text="Which door is used most?")
    expect(chart.get_by_role("link", name=re.compile("^Call"))).to_be_visible()
    chart.get_by_role("button", name="Table").click()
    expect(chart.get_by_role("rowheader", name="Call")).to_be_visible()
    chart.get_by_role("link", name="Call").click()
    expect(owner.get_by_role("button", name=re.compile("^Call"))).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(owner.get_by_role("link", name="A call")).to_be_visible()


def test_budget_is_set_changed_and_removed(owner: Page) -> None:
    owner.goto("/costs")
    owner.get_by_role("button", name="Set a budget").click()
    owner.get_by_label("Amount").fill("12,50")
    owner.get_by_role("button", name="Save", exact=True).click()
    budgets = owner.get_by_role("list", name="Budgets")
    expect(budgets).to_contain_text("12.50")
    budgets.get_by_role("button", name="Change").click()
    owner.get_by_label("Amount").fill("20")
    owner.get_by_role("button", name="Save", exact=True).click()
    expect(budgets).to_contain_text("20.00")
    budgets.get_by_role("button", name="Remove").click()
    expect(budgets).to_have_count(0)
    owner.get_by_role("button", name="Undo").click()
    expect(budgets).to_contain_text("20.00")
    budgets.get_by_role("button", name="Remove").click()
    owner.get_by_role("link", name="Home").first.click()
    owner.goto("/costs")
    expect(owner.get_by_text("No budget is set")).to_be_visible()
