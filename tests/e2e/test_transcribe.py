"""Handing over a recording, following it, reading and hearing it, taking it away."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.e2e

HEARD_MS = 90_000


def clip(speech: Path) -> Path:
    """The shortest of the English recordings."""
    return min((speech / "en").glob("*.wav"), key=lambda file: file.stat().st_size)


def test_recording_is_dropped_followed_read_and_taken_away(owner: Page, speech: Path) -> None:
    recording = clip(speech)
    owner.goto("/transcribe")
    owner.get_by_role("combobox", name="Language").fill("English")
    owner.get_by_role("option", name="English").click()
    owner.locator("input[type=file]").set_input_files(recording)
    row = (
        owner.get_by_role("list", name="Recent")
        .get_by_role("listitem")
        .filter(has_text=recording.name)
    )
    expect(row.get_by_text("English")).to_be_visible(timeout=HEARD_MS)

    row.get_by_role("link", name=recording.name).click()
    expect(owner.get_by_role("heading", level=1, name=recording.name)).to_be_visible()
    line = owner.locator("[data-line]").first
    expect(line).to_be_visible()
    word = (line.text_content() or "").split()[-1]

    owner.get_by_role("searchbox").fill(word)
    expect(owner.locator("mark").first).to_have_text(word)
    owner.get_by_role("searchbox").fill("")

    audio = owner.locator("audio")
    expect(audio).to_have_js_property("readyState", 4)
    owner.get_by_role("heading", level=1).click()
    owner.keyboard.press("ArrowRight")
    assert audio.evaluate("a => a.currentTime") > 0

    owner.get_by_role("button", name="Download").click()
    with owner.expect_download() as download:
        owner.get_by_role("menuitem", name="Subtitles (srt)").click()
    assert "-->" in download.value.path().read_text()
    assert download.value.suggested_filename == f"{recording.stem}.srt"

    owner.get_by_role("link", name="Transcribe").first.click()
    owner.get_by_role("button", name=f"Remove {recording.name}").click()
    owner.get_by_role("link", name="Home").first.click()
    owner.get_by_role("link", name="Transcribe").first.click()
    expect(owner.get_by_role("heading", level=1, name="Transcribe")).to_be_visible()
    expect(owner.get_by_role("link", name=recording.name)).to_have_count(0)


def test_what_cannot_be_read_says_why(owner: Page, tmp_path: Path) -> None:
    text = tmp_path / "letter.wav"
    text.write_text("This was never sound.")
    owner.goto("/transcribe")
    owner.locator("input[type=file]").set_input_files(text)
    row = owner.get_by_role("listitem").filter(has_text="letter.wav")
    expect(row.get_by_text("Failed", exact=True)).to_be_visible(timeout=HEARD_MS)
    row.get_by_role("link", name="letter.wav").click()
    expect(owner.get_by_role("alert")).to_be_visible()
