"""The library and its conversations, from an empty room to a receipt; each story in a space of its own."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.e2e.people import Hall, Visitor
from tests.e2e.test_access import AXE, SIZES, violations

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

MADE_MS = 120_000
LONG_WORDS = 100_000
MOST_LINES_LAID_OUT = 80


@pytest.fixture
def own_space(hall: Hall) -> Iterator[httpx.Client]:
    """The owner in a space where nothing was said yet."""
    with hall.client() as client:
        before = client.get("/api/me").json()["active_space_id"]
        space = client.post("/api/spaces", json={"name": "Reading room"}).json()["id"]
        client.patch("/api/me", json={"active_space_id": space}).raise_for_status()
        yield client
        client.patch("/api/me", json={"active_space_id": before}).raise_for_status()


@pytest.fixture
def inside(hall: Hall, visit: Visitor, own_space: httpx.Client) -> Page:
    """The owner's browser in that space, on a screen with room for text and analysis."""
    assert own_space.get("/api/transcripts").is_success
    return visit(hall.url, storage_state=hall.signed_in(), viewport={"width": 1280, "height": 860})


def conversation(client: httpx.Client, lines: list[tuple[str, str]], **about: str) -> str:
    """A final conversation of these speakers and texts."""
    made = client.post("/api/transcripts", json={"kind": "meetings", **about}).json()["id"]
    segments = [
        {
            "utterance_id": f"u{number}",
            "text": text,
            "start": number * 4.0,
            "end": number * 4.0 + 3.5,
            "speaker": speaker,
        }
        for number, (speaker, text) in enumerate(lines)
    ]
    for start in range(0, len(segments), 1000):
        body = {"segments": segments[start : start + 1000]}
        client.post(f"/api/transcripts/{made}/segments", json=body).raise_for_status()
    client.post(f"/api/transcripts/{made}/finalise").raise_for_status()
    return str(made)


def test_newcomer_sees_a_living_library_and_clears_it(inside: Page) -> None:
    page = inside
    page.goto("/library")
    page.get_by_role("button", name="Show me with a demo").click()
    rows = page.get_by_role("list", name="Conversations").get_by_role("listitem")
    expect(rows).to_have_count(6, timeout=MADE_MS)
    expect(page.get_by_role("button", name="Remove the demo")).to_be_visible(timeout=MADE_MS)

    page.keyboard.press("/")
    page.keyboard.type("friday")
    hit = page.get_by_role("link", name=re.compile("I will write to the library by Friday"))
    expect(hit).to_be_visible()
    expect(hit.locator("mark")).to_have_text("Friday")
    page.get_by_role("button", name="Save this search").click()
    page.get_by_role("dialog").get_by_label("Name").fill("End of the week")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("button", name="End of the week", exact=True)).to_be_visible()

    hit.click()
    expect(page.get_by_role("heading", level=1, name="Planning the reading week")).to_be_visible()
    cited = page.locator("[data-cited]")
    expect(cited).to_contain_text("by Friday")
    expect(cited).to_be_in_viewport()
    page.go_back()
    expect(page.get_by_role("searchbox")).to_have_value("friday")

    page.get_by_role("searchbox").fill("")
    page.get_by_role("button", name=re.compile("^Russian")).click()
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="End of the week", exact=True).click()
    expect(page.get_by_role("searchbox")).to_have_value("friday")
    page.get_by_role("searchbox").fill("")
    expect(rows).to_have_count(6)

    page.get_by_role("button", name="Remove the demo").click()
    expect(page.get_by_text("No conversations yet")).to_be_visible()


def test_demo_call_is_heard_understood_and_asked(inside: Page, visit: Visitor, hall: Hall) -> None:
    page = inside
    page.goto("/library")
    page.get_by_role("button", name="Show me with a demo").click()
    title = "A delivery that did not come"
    page.get_by_role("link", name=title).click(timeout=MADE_MS)
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()

    audio = page.locator("audio")
    expect(audio).to_have_js_property("readyState", 4, timeout=MADE_MS)
    line = page.locator("[data-line]").nth(1)
    line.click(position={"x": 250, "y": 14})
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.wait_for_function("() => CSS.highlights.has('spoken')")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    heard = audio.evaluate("a => a.currentTime")
    assert 4 < heard < 25, "a click on a word in the second passage is heard from there"
    page.keyboard.press("ArrowRight")
    assert audio.evaluate("a => a.currentTime") == pytest.approx(heard + 5, abs=0.3)

    side = page.get_by_role("complementary", name="Analysis")
    expect(side.get_by_text("Made offline by rules")).to_be_visible(timeout=MADE_MS)
    side.get_by_role("button", name=re.compile("We agreed to refund the delivery charge")).click()
    expect(page.locator("[data-cited]")).to_contain_text("We agreed to refund")
    expect(page.locator("[data-cited]")).to_be_in_viewport()
    assert audio.evaluate("a => a.currentTime") > 60

    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_role("textbox", name="Ask this conversation").fill("Where is the parcel?")
    page.get_by_role("complementary").get_by_role("button", name="Ask", exact=True).last.click()
    expect(page.get_by_role("button", name=re.compile("I see the parcel")).first).to_be_visible()
    page.get_by_role("button", name="Versions").click()
    expect(page.get_by_text("Current text", exact=True)).to_be_visible()
    page.get_by_role("button", name="Analysis").click()

    axe = AXE.read_text()
    phone = visit(
        hall.url, storage_state=hall.signed_in(), viewport=SIZES["phone"], color_scheme="dark"
    )
    found = {"desk": violations(page, axe)}
    for view in ("text", "analysis"):
        phone.goto(re.sub(r"\?.*", "", page.url) + f"?view={view}")
        phone.locator("audio").wait_for(state="attached")
        found[view] = violations(phone, axe)
        assert phone.evaluate("document.documentElement.scrollWidth") <= SIZES["phone"]["width"]
    assert {what: said for what, said in found.items() if said} == {}


def test_conversation_is_corrected_named_taken_away_and_erased(
    inside: Page, own_space: httpx.Client
) -> None:
    page = inside
    lines = [("speaker 1", "We meat on Tuesday."), ("speaker 2", "Good."), ("speaker 1", "Bye.")]
    made = conversation(own_space, lines, language="en")
    page.goto(f"/library/{made}")
    first = page.locator("[data-line]").first
    expect(first).to_have_text("We meat on Tuesday.")

    page.get_by_role("button", name="Correct what is said at 0:00").click()
    page.get_by_role("textbox", name="Text at 0:00").fill("We meet on Tuesday.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(first).to_have_text("We meet on Tuesday.")
    page.get_by_role("button", name="Correct what is said at 0:00").click()
    before = page.get_by_role("list", name="What stood here before")
    expect(before.get_by_text("We meat on Tuesday.")).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_role("button", name=re.compile("^speaker 1 .*Rename")).click()
    page.get_by_label("Name", exact=True).fill("Chair")
    page.get_by_role("button", name="Rename", exact=True).click()
    expect(page.get_by_role("button", name=re.compile("^Chair .*Rename"))).to_be_visible()
    expect(page.get_by_text("Now called Chair.")).to_be_visible()

    page.get_by_role("button", name="More for this conversation").click()
    page.get_by_role("menuitem", name="Rename and tag").click()
    page.get_by_label("Title").fill("Tuesdays")
    page.get_by_role("combobox", name="Tags").fill("weekly")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Tuesdays")).to_be_visible()

    page.get_by_role("button", name="Download").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Plain text (txt)").click()
    assert "We meet on Tuesday." in download.value.path().read_text()

    page.get_by_role("button", name="More for this conversation").click()
    page.get_by_role("menuitem", name="Erase").click()
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("Nothing of it is left here but this receipt.")).to_be_visible()
    page.get_by_role("button", name="Back to the library").click()
    expect(page.get_by_text("No conversations yet")).to_be_visible()
    assert own_space.get(f"/api/transcripts/{made}").status_code == 404


def test_file_is_brought_in_and_set_from_right_to_left(inside: Page, tmp_path: Path) -> None:
    page = inside
    subtitles = tmp_path / "greeting.srt"
    subtitles.write_text("1\n00:00:01,000 --> 00:00:03,000\nשלום לכולם\n", "utf-8")
    page.goto("/library")
    page.locator("input[type=file]").set_input_files(subtitles)
    page.get_by_role("button", name="greeting is here. Open").click()
    page.get_by_role("button", name="More for this conversation").click()
    page.get_by_role("menuitem", name="Rename and tag").click()
    page.get_by_role("combobox", name="Language").fill("Hebrew")
    page.get_by_role("option", name="Hebrew").click()
    page.get_by_role("button", name="Save", exact=True).click()
    text = page.locator("[dir=rtl][lang=he]")
    expect(text).to_contain_text("שלום לכולם")
    word = text.locator("[data-line]").bounding_box()
    time = text.get_by_text("0:01").bounding_box()
    assert word is not None
    assert time is not None
    assert time["x"] > word["x"] + word["width"] / 2, "times stand at the right"


def test_long_conversation_lays_out_only_what_is_seen(
    inside: Page, own_space: httpx.Client
) -> None:
    page = inside
    said = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    said += "fifteen sixteen seventeen eighteen nineteen twenty"
    marked = f"the very end {uuid4().hex}"
    lines = [(f"speaker {n % 2}", said) for n in range(LONG_WORDS // 20)]
    made = conversation(own_space, [*lines, ("speaker 2", marked)], language="en")
    page.goto(f"/library/{made}")
    expect(page.locator("[data-line]").first).to_be_visible()
    page.get_by_role("searchbox").fill(marked)
    expect(page.locator("mark")).to_have_text(marked, timeout=60_000)
    expect(page.locator("mark")).to_be_in_viewport()
    assert page.locator("[data-line]").count() < MOST_LINES_LAID_OUT
