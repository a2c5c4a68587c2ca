"""A spoken exchange with a bot in the browser, without a model, a key or a network; its turns; a bot of one's own."""

import re
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, Page, expect
from tests.e2e.people import Hall, Visitor
from tests.e2e.test_access import AXE, violations

pytestmark = pytest.mark.e2e

# The engine that needs no download is no quick one on a busy machine.
HEARD_MS = 120_000
SPOKEN_MS = 2_600
"""How long the button is held: as long as the recording lasts, and a little."""
PAUSE_SECONDS = 4
"""Shorter than a question and its spoken answer, so that the question comes again while the bot speaks."""
PHONE = {"width": 390, "height": 780}


@pytest.fixture(scope="module")
def browser(
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    speech: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Browser]:
    """A browser into whose microphone somebody asks what the weather is like, and again after a pause."""
    voice = tmp_path_factory.mktemp("voice") / "asked.wav"
    asked_now_and_then(speech / "en" / "azure_whatstheweatherlike.wav", voice)
    arguments = [
        *browser_type_launch_args["args"],
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={voice}",
        "--autoplay-policy=no-user-gesture-required",
    ]
    found = browser_type.launch(**{**browser_type_launch_args, "args": arguments})
    yield found
    found.close()


def asked_now_and_then(recording: Path, made: Path) -> None:
    """The recording with a silence after it; browsers begin again at its end."""
    with wave.open(str(recording), "rb") as source, wave.open(str(made), "wb") as out:
        out.setparams(source.getparams())
        out.writeframes(source.readframes(source.getnframes()))
        out.writeframes(bytes(PAUSE_SECONDS * source.getframerate() * source.getsampwidth()))


@pytest.fixture
def talker(hall: Hall, visit: Visitor) -> Page:
    """The owner in the room Talk."""
    page = visit(hall.url, storage_state=hall.signed_in(), permissions=["microphone"])
    page.goto("/talk")
    expect(page.get_by_role("combobox", name="Bot")).to_have_value("Host · English")
    return page


def exchange(page: Page, number: int) -> Any:
    """One turn of the conversation; the greeting comes before them all."""
    return page.get_by_role("list", name="Conversation").locator("> li[aria-live]").nth(number)


def test_a_spoken_exchange_and_its_turn(talker: Page) -> None:
    page = talker
    expect(page.get_by_text("Hello, I am Host.")).to_be_visible()
    expect(page.get_by_role("note")).to_contain_text("English only")
    button = page.get_by_role("button", name="Hold to speak")
    button.hover()
    page.mouse.down()
    expect(page.get_by_role("status")).to_have_text("Let go when you are done")
    page.wait_for_timeout(SPOKEN_MS)
    page.mouse.up()
    spoken = exchange(page, 0)
    expect(spoken.get_by_text("pocketsphinx")).to_be_visible(timeout=HEARD_MS)
    expect(spoken.get_by_text(re.compile(r"^\d+ ms espeak$"))).to_be_visible()
    expect(spoken.locator("p").nth(1)).to_contain_text(re.compile(r"\w"))

    page.get_by_role("textbox", name="Write instead").fill("what can you do?")
    page.keyboard.press("Enter")
    expect(exchange(page, 1).get_by_text(re.compile("I hear what you say"))).to_be_visible()
    page.get_by_role("button", name="Stop the answer").click()
    assert violations(page, AXE.read_text()) == []
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("link", name="Turns").first.click()
    first = page.get_by_role("list", name="Turns").get_by_role("listitem").last
    first.get_by_role("button", name="Listen").click()
    expect(first.locator("audio")).to_have_count(2)
    assert violations(page, AXE.read_text()) == []
    page.get_by_role("button", name="Show charts").click()
    expect(page.get_by_role("heading", name="How long does hearing take?")).to_be_visible()
    assert violations(page, AXE.read_text()) == []


def test_hands_free_one_is_heard_after_a_pause_and_interrupts(talker: Page) -> None:
    page = talker
    page.get_by_text("Hands-free", exact=True).click()
    page.get_by_role("button", name="Begin to talk").click()
    expect(page.get_by_role("status")).to_have_text("I am listening. Pause, and I answer")
    spoken = exchange(page, 0)
    expect(spoken.get_by_text("pocketsphinx")).to_be_visible(timeout=HEARD_MS)
    expect(spoken.locator("p").nth(1)).to_contain_text(re.compile(r"\w"))
    # the question that comes again while the bot speaks makes it fall silent, and is answered too
    expect(page.get_by_text("Interrupted.").first).to_be_visible(timeout=HEARD_MS)
    expect(exchange(page, 1)).to_be_visible(timeout=HEARD_MS)
    page.get_by_role("button", name="Stop talking").click()
    expect(page.get_by_role("status")).to_have_text("Press once and talk as you like")
    assert violations(page, AXE.read_text()) == []


def test_a_bot_that_cannot_hear_here_says_so_and_still_answers(talker: Page) -> None:
    page = talker
    page.get_by_role("combobox", name="Bot").click()
    page.get_by_role("option", name="Contestador · Spanish").click()
    expect(page.get_by_role("note")).to_contain_text("cannot hear on this machine")
    expect(page.get_by_role("button", name="Hold to speak")).to_be_disabled()
    page.get_by_role("textbox", name="Write instead").fill("¿cuándo abren?")
    page.get_by_role("button", name="Send").click()
    expect(exchange(page, 0).get_by_text("Abrimos de diez a dos")).to_be_visible()


def test_a_bot_is_copied_tried_saved_and_taken_along(hall: Hall, visit: Visitor) -> None:
    page = visit(hall.url, storage_state=hall.signed_in())
    page.goto("/settings/bots")
    page.get_by_role("link", name="Copy Answering machine").click()
    page.get_by_label("Name", exact=True).first.fill("Heron")
    script = page.get_by_role("textbox", name="Script")
    written = script.input_value()
    script.fill(written.replace("the Heron Bookshop", "the Crane"))
    page.get_by_role("button", name="Let it greet").click()
    trial = page.get_by_role("region", name="Try it")
    expect(trial.get_by_text("this is the Crane")).to_be_visible()
    trial.get_by_role("textbox").fill("when are you open")
    page.keyboard.press("Enter")
    expect(trial.get_by_text("meant: hours")).to_be_visible()
    script.fill(written.replace("[say]", "[say"))
    trial.get_by_role("textbox").fill("hello")
    page.keyboard.press("Enter")
    expect(trial.get_by_role("alert")).to_contain_text("TOML")
    script.fill(written.replace("the Heron Bookshop", "the Crane"))
    assert violations(page, AXE.read_text()) == []
    page.get_by_role("button", name="Save").click()
    row = page.get_by_role("listitem").filter(has_text="Heron")
    expect(row.get_by_text("Scripted")).to_be_visible()
    with page.expect_download() as download:
        row.get_by_role("link", name="Export Heron").click()
    assert "the Crane" in download.value.path().read_text()
    assert violations(page, AXE.read_text()) == []
