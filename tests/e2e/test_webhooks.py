"""A webhook's life: made, its secret shown once, tried out, looked into, sent again, given a new secret, removed."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from standardwebhooks.webhooks import Webhook
from tests.e2e.listener import Listener, listening

pytestmark = pytest.mark.e2e


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as one:
        yield one


def test_webhook_is_made_tried_replayed_and_removed(owner: Page, listener: Listener) -> None:
    owner.goto("/settings/webhooks")
    owner.get_by_role("button", name="New webhook").first.click()
    dialog = owner.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Address").fill(listener.url)
    dialog.get_by_role("button", name="New webhook").click()
    secret = owner.get_by_label("Signing secret").text_content() or ""
    owner.get_by_role("button", name="Done").click()

    owner.get_by_role("link", name=listener.url).click()
    expect(owner.get_by_text("Nothing sent yet")).to_be_visible()
    owner.get_by_role("button", name="Send a test").first.click()
    rows = owner.get_by_role("list", name="Deliveries").get_by_role("listitem")
    expect(rows).to_have_count(1)
    expect(rows.first.get_by_text("Delivered")).to_be_visible(timeout=30_000)
    expect(rows.first.get_by_text("Answered 204")).to_be_visible()

    headers, body = listener.heard[0]
    assert Webhook(secret).verify(body, headers)["type"] == "webhook.test"

    rows.first.get_by_role("button", name="Show").click()
    expect(owner.get_by_role("dialog").get_by_text('"webhook.test"')).to_be_visible()
    owner.keyboard.press("Escape")
    rows.first.get_by_role("button", name="Send again").click()
    expect(rows).to_have_count(2)
    expect(rows.get_by_text("Delivered")).to_have_count(2, timeout=30_000)
    assert listener.heard[1][0]["webhook-id"] == headers["webhook-id"]

    owner.get_by_role("button", name="New secret").click()
    owner.get_by_role("dialog").get_by_role("button", name="Make the secret").click()
    fresh = owner.get_by_label("Signing secret").text_content() or ""
    owner.get_by_role("button", name="Done").click()
    assert fresh != secret
    owner.get_by_role("button", name="Send a test").first.click()
    expect(rows).to_have_count(3)
    expect(rows.get_by_text("Delivered")).to_have_count(3, timeout=30_000)
    headers, body = listener.heard[2]
    for one in (fresh, secret):
        assert Webhook(one).verify(body, headers)["type"] == "webhook.test"

    owner.get_by_role("link", name="Webhooks").first.click()
    owner.get_by_role("button", name=f"Remove {listener.url}").click()
    expect(owner.get_by_role("link", name=listener.url)).to_have_count(0)
    owner.get_by_role("button", name="Undo").click()
    expect(owner.get_by_role("link", name=listener.url)).to_be_visible()
    owner.get_by_role("button", name=f"Remove {listener.url}").click()
    owner.get_by_role("link", name="Keys").click()
    owner.get_by_role("link", name="Webhooks").click()
    expect(owner.get_by_role("button", name="New webhook").first).to_be_visible()
    expect(owner.get_by_role("link", name=listener.url)).to_have_count(0)


def test_wrong_address_is_refused_with_a_reason(owner: Page) -> None:
    owner.goto("/settings/webhooks")
    owner.get_by_role("button", name="New webhook").first.click()
    dialog = owner.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Address").fill("http://10.1.2.3/hook")
    dialog.get_by_role("button", name="New webhook").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Requests are not made to this address")
