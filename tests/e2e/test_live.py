"""Speaking into a browser's microphone and reading the words, on good lines and bad ones."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, Page, WebSocketRoute, expect
from tests.e2e.line import Line, line_to
from tests.e2e.people import OWNER, Hall, Visitor, claimed, fill_account
from tests.e2e.settings import SETTINGS
from tests.e2e.test_access import AXE, violations
from tests.fixtures.server import StartServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

# The engine that needs no download is no quick one on a busy machine.
HEARD_MS = 120_000
PHONE = {"width": 390, "height": 780}
ENGLISH = "localStorage.setItem('tertulia.live.choices', JSON.stringify({language: 'en'}))"

SPARING = (
    "localStorage.setItem('tertulia.live.choices', JSON.stringify({language: 'en', way: 'opus'}))"
)


@pytest.fixture(scope="module")
def browser(
    browser_type: BrowserType, browser_type_launch_args: dict[str, Any], speech: Path
) -> Iterator[Browser]:
    """A browser with a microphone into which a recording is read, over and over."""
    voice = speech / "en" / "librivox_sense_0870.wav"
    arguments = [
        *browser_type_launch_args["args"],
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={voice}",
    ]
    found = browser_type.launch(**{**browser_type_launch_args, "args": arguments})
    yield found
    found.close()


@pytest.fixture
def line(hall: Hall) -> Iterator[Line]:
    with line_to(hall.url) as found:
        yield found


def speaker(hall: Hall, visit: Visitor, url: str | None = None, **look: Any) -> Page:
    """The owner in the room, who has said that they speak English."""
    page = visit(
        url or hall.url, storage_state=hall.signed_in(), permissions=["microphone"], **look
    )
    page.add_init_script(ENGLISH)
    page.goto("/live")
    return page


def start(page: Page) -> None:
    page.get_by_role("button", name="Start listening").click()
    expect(state(page)).to_contain_text("Listening", timeout=HEARD_MS)


def state(page: Page) -> Any:
    return page.locator("[data-state]").first


def words(page: Page) -> Any:
    return page.locator("[data-utterance]")


def confirmed(page: Page) -> Any:
    return page.locator("[data-utterance][data-final]")


def test_words_appear_pause_and_are_kept(hall: Hall, visit: Visitor) -> None:
    page = speaker(hall, visit)
    start(page)
    expect(words(page).first).to_contain_text(re.compile(r"\w"), timeout=HEARD_MS)
    expect(page.get_by_text(re.compile(r"\d ms$"))).to_be_visible()

    page.keyboard.press("Space")
    expect(state(page)).to_contain_text("Paused")
    expect(confirmed(page).first).to_contain_text(re.compile(r"\w"), timeout=HEARD_MS)
    if AXE.is_file():
        assert violations(page, AXE.read_text()) == []

    other = page.context.new_page()
    other.goto("/live")
    expect(other.get_by_text("Another tab is listening")).to_be_visible()
    other.close()

    page.get_by_role("button", name="Go on").click()
    expect(state(page)).to_contain_text("Listening")
    said = confirmed(page).first.text_content() or ""
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Kept in the library")).to_be_visible(timeout=HEARD_MS)
    if AXE.is_file():
        assert violations(page, AXE.read_text()) == []

    page.get_by_label("Name").fill("A page of Austen")
    page.get_by_label("Name").press("Enter")
    row = page.get_by_role("listitem").filter(has_text="A page of Austen")
    expect(row).to_be_visible()
    page.get_by_role("searchbox").fill(max(said.split(), key=len))
    expect(page.locator("mark").first).to_be_visible()
    page.get_by_role("link", name="Open in the library").click()
    expect(page.get_by_role("heading", level=1, name="A page of Austen")).to_be_visible()


def test_first_visit_from_the_printed_link_to_what_was_said(
    start_server: StartServer, visit: Visitor
) -> None:
    server = start_server()
    page = visit(server.url, permissions=["microphone"])
    page.goto(server.link or "")
    fill_account(page, OWNER["name"], OWNER["email"])
    page.get_by_role("button", name="Make my account").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("First")
    page.get_by_role("link", name=re.compile("^Live ?Speak")).click()
    start(page)
    expect(confirmed(page).first).to_contain_text(re.compile(r"\w{4}"), timeout=HEARD_MS)
    said = confirmed(page).first.text_content() or ""
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Kept in the library")).to_be_visible(timeout=HEARD_MS)

    page.get_by_role("link", name="Library", exact=True).first.click()
    page.keyboard.press("/")
    page.keyboard.type(max(said.split(), key=len))
    found = page.get_by_role("link").filter(has=page.locator("mark")).first
    found.click()
    expect(page.locator("[data-cited]")).to_be_in_viewport()
    expect(page.locator("[data-line]").first).to_contain_text(max(said.split(), key=len))


def test_cut_line_and_reload_lose_nothing(hall: Hall, visit: Visitor, line: Line) -> None:
    page = speaker(hall, visit, line.url, viewport=PHONE)
    start(page)
    expect(words(page).first).to_contain_text(re.compile(r"\w"), timeout=HEARD_MS)
    line.cut()
    expect(state(page)).to_contain_text("Reconnecting", timeout=HEARD_MS)
    expect(page.get_by_text("Go on speaking.")).to_be_visible()
    line.mend()
    expect(state(page)).to_contain_text("Listening", timeout=HEARD_MS)
    expect(confirmed(page).first).to_contain_text(re.compile(r"\w"), timeout=HEARD_MS)
    before = confirmed(page).first.text_content()

    page.reload()
    expect(page.get_by_text("This conversation was interrupted")).to_be_visible()
    page.get_by_role("button", name="Go on listening").click()
    expect(confirmed(page).first).to_have_text(before or "", timeout=HEARD_MS)
    expect(state(page)).to_contain_text("Listening", timeout=HEARD_MS)
    expect(page.get_by_text("Some sound was lost")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Kept in the library")).to_be_visible(timeout=HEARD_MS)


def test_conversation_survives_the_death_of_its_server(
    start_server: StartServer, visit: Visitor, tmp_path: Path
) -> None:
    first = start_server(tmp_path / "data", **SETTINGS)
    hall = claimed(first)
    with line_to(first.url) as line:
        page = speaker(hall, visit, line.url)
        start(page)
        expect(confirmed(page).first).to_contain_text(re.compile(r"\w"), timeout=HEARD_MS)
        before = confirmed(page).first.text_content() or ""
        first.kill()
        expect(state(page)).to_contain_text("Reconnecting", timeout=HEARD_MS)
        second = start_server(tmp_path / "data", **SETTINGS)
        line.lead_to(second.url)
        # A machine so busy that five tries were over before the server was back leaves it to the person.
        again = page.get_by_role("button", name="Try again")
        expect(page.locator("[data-state=recording]").or_(again)).to_be_visible(timeout=HEARD_MS)
        if again.is_visible():
            again.click()
        expect(state(page)).to_contain_text("Listening", timeout=HEARD_MS)
        expect(confirmed(page).first).to_have_text(before)
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_text("Kept in the library")).to_be_visible(timeout=HEARD_MS)
        shown = [text.strip() for text in confirmed(page).all_text_contents()]
    with Hall(second).client() as client:
        (kept,) = client.get("/api/transcripts", params={"kind": "live"}).json()["items"]
        segments = client.get(f"/api/transcripts/{kept['id']}/segments").json()["items"]
    assert [segment["text"].strip() for segment in segments] == shown
    places = [(segment["start"], segment["end"]) for segment in segments]
    assert all(a[1] <= b[0] + 0.5 for a, b in pairwise(places)), "nothing is heard twice"


def test_guest_reads_captions_on_another_screen(hall: Hall, visit: Visitor) -> None:
    page = speaker(hall, visit)
    start(page)
    page.context.grant_permissions(["microphone", "clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Captions for others").click()
    page.get_by_role("menuitem", name="Copy a link for guests").click()
    expect(page.get_by_text("The link is copied.")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")

    guest = visit(hall.url)
    guest.goto(link)
    expect(words(guest).first).to_contain_text(re.compile(r"\w"), timeout=HEARD_MS)
    page.get_by_role("link", name="Library").first.click()
    page.get_by_text("Still listening").wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(state(guest)).to_contain_text("Done", timeout=HEARD_MS)

    nobody = visit(hall.url)
    nobody.goto(link.partition("#")[0])
    expect(nobody.get_by_role("alert")).to_contain_text("you are not signed in")


def test_without_sockets_a_recording_is_made_and_sent(hall: Hall, visit: Visitor) -> None:
    page = visit(hall.url, storage_state=hall.signed_in(), permissions=["microphone"])
    page.add_init_script(SPARING)

    def refuse(socket: WebSocketRoute) -> None:
        socket.close(code=1011)

    page.route_web_socket(re.compile("/api/realtime/"), refuse)
    page.goto("/live")
    page.get_by_role("button", name="Start listening").click()
    expect(page.get_by_text("the connection does not let them through")).to_be_visible(
        timeout=HEARD_MS
    )
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("The recording has arrived")).to_be_visible(timeout=HEARD_MS)
    page.get_by_role("link", name="Look at it").click()
    row = page.get_by_role("listitem").filter(has_text=re.compile(r"Live .*\.ogg"))
    expect(row.get_by_text("pocketsphinx")).to_be_visible(timeout=HEARD_MS)


def test_microphone_that_is_not_allowed_says_so(hall: Hall, visit: Visitor) -> None:
    page = visit(hall.url, storage_state=hall.signed_in())
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))"
    )
    page.goto("/live")
    page.get_by_role("button", name="Start listening").click()
    expect(page.get_by_role("alert")).to_contain_text("The microphone is not allowed")
