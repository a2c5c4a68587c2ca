"""Inviting, joining, roles, and people who are kept out."""

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.people import Hall, Visitor, fill_account

pytestmark = pytest.mark.e2e


def make_invitation(owner: Page, role: str) -> str:
    owner.goto("/settings/people")
    owner.get_by_role("button", name="Invite", exact=True).click()
    owner.get_by_role("combobox", name="Role", exact=True).click()
    owner.get_by_role("listbox").get_by_role("option", name=role, exact=True).click()
    owner.get_by_role("button", name="Make the link").click()
    link = owner.get_by_label("Invitation link").text_content()
    owner.get_by_role("button", name="Done").click()
    assert link is not None
    return link


def test_invitation_is_accepted_in_another_browser(hall: Hall, owner: Page, visit: Visitor) -> None:
    link = make_invitation(owner, "Admin")

    guest = visit(hall.url)
    guest.goto(link)
    expect(guest.get_by_role("heading", level=1)).to_contain_text("Join")
    expect(guest.get_by_text("First Owner invites you. Your role: Admin.")).to_be_visible()
    fill_account(guest, "Second Person", "second@example.org")
    guest.get_by_role("button", name="Join").click()
    expect(guest.get_by_role("heading", level=1)).to_contain_text("Second")
    guest.goto("/settings/people")
    expect(guest.get_by_text("Everyone on this server")).to_have_count(0)
    expect(guest.get_by_role("button", name="Invite", exact=True)).to_be_visible()

    owner.goto("/settings/people")
    role = owner.get_by_label("Role of Second Person")
    expect(role).to_have_value("ADMIN")
    role.select_option("MEMBER")
    expect(owner.get_by_text("Second Person: Member.")).to_be_visible()

    guest.goto("/settings/people")
    expect(guest.get_by_role("list", name="Members").get_by_text("Second Person")).to_be_visible()
    expect(guest.get_by_role("button", name="Invite", exact=True)).to_have_count(0)

    late = visit(hall.url)
    late.goto(link)
    expect(late.get_by_role("alert")).to_contain_text("This link has been used")


def test_disabled_person_is_out_at_once_and_undo_lets_them_in(
    hall: Hall, owner: Page, visit: Visitor
) -> None:
    link = make_invitation(owner, "Member")
    guest = visit(hall.url)
    guest.goto(link)
    fill_account(guest, "Third Person", "third@example.org")
    guest.get_by_role("button", name="Join").click()
    expect(guest.get_by_role("heading", level=1)).to_contain_text("Third")

    owner.goto("/settings/people")
    owner.get_by_role("button", name="Disable Third Person").click()
    expect(owner.get_by_text("Third Person can no longer sign in.")).to_be_visible()
    guest.goto("/settings/me")
    expect(guest.get_by_role("heading", name="Sign in")).to_be_visible()

    owner.get_by_role("button", name="Undo").click()
    expect(owner.get_by_role("button", name="Disable Third Person")).to_be_visible()


def test_space_is_made_renamed_used_and_erased(owner: Page) -> None:
    owner.goto("/settings/spaces")
    owner.get_by_role("button", name="New space").first.click()
    owner.get_by_role("textbox", name="Name").fill("Radio club")
    owner.get_by_role("dialog").get_by_role("button", name="New space").click()
    row = owner.get_by_role("listitem").filter(has_text="Radio club")
    row.get_by_role("button", name="Switch to it").click()
    expect(row.get_by_text("Active")).to_be_visible()
    expect(owner.get_by_role("button", name="Space: Radio club").first).to_be_visible()

    row.get_by_role("link", name="Radio club").click()
    expect(owner.get_by_role("heading", level=1, name="Radio club")).to_be_visible()
    owner.get_by_role("button", name="Rename").click()
    owner.get_by_role("textbox", name="Name").fill("Radio circle")
    owner.get_by_role("button", name="Save").click()
    expect(owner.get_by_role("heading", level=1, name="Radio circle")).to_be_visible()

    owner.get_by_role("button", name="Delete…").click()
    erase = owner.get_by_role("button", name="Erase it")
    expect(erase).to_be_disabled()
    owner.get_by_label("Type “Radio circle” to go on").fill("Radio circle")
    erase.click()
    expect(owner.get_by_role("heading", level=1, name="Spaces")).to_be_visible()
    expect(owner.get_by_text("Radio circle")).to_have_count(0)
