"""Hearing a call with a channel for each side, and passing over its silence."""

import wave
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from tests.e2e.people import Hall, Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

HEARD_MS = 90_000
SILENCE_SECONDS = 8
CLIP = "en/arctic_a0024.wav"


def call(speech: Path, folder: Path) -> Path:
    """One side says a sentence, both are silent for long, the other side says it too."""
    with wave.open(str(speech / CLIP), "rb") as clip:
        rate = clip.getframerate()
        said = np.frombuffer(clip.readframes(clip.getnframes()), dtype="<i2")
    pause = np.zeros(rate * SILENCE_SECONDS, dtype="<i2")
    quiet = np.zeros_like(said)
    left = np.concatenate([said, pause, quiet])
    right = np.concatenate([quiet, pause, said])
    file = folder / "call.wav"
    with wave.open(str(file), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.stack([left, right], axis=1).tobytes())
    return file


def test_call_is_two_lanes_and_its_silence_can_be_skipped(
    hall: Hall, visit: Visitor, speech: Path, tmp_path: Path
) -> None:
    recording = call(speech, tmp_path)
    with hall.client() as client, recording.open("rb") as file:
        made = client.post(
            "/api/transcribe", files={"file": file}, data={"language": "en", "channels": "split"}
        ).raise_for_status()
    page: Page = visit(hall.url, storage_state=hall.signed_in())
    page.goto(f"/transcribe/{made.json()['id']}")
    expect(page.get_by_text("Channel 2")).to_be_visible(timeout=HEARD_MS)
    expect(page.locator("[data-lanes='2']")).to_be_visible()

    audio = page.locator("audio")
    expect(audio).to_have_js_property("readyState", 4)
    seconds = "a => { a.jumps = []; a.onseeking = () => a.jumps.push(a.currentTime) }"
    audio.evaluate(seconds)
    page.get_by_role("button", name="Skip silence").click()
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "(end) => document.querySelector('audio').jumps.some((to) => to > end)",
        arg=SILENCE_SECONDS - 1,
        timeout=HEARD_MS,
    )
    expect(page.get_by_role("button", name="Skip silence")).to_have_attribute(
        "aria-pressed", "true"
    )
