"""Pictures of Talk, which has to be spoken into first, and of the turns it leaves."""

import re
import wave
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, Playwright
from tests.e2e.live_pictures import voice
from tests.e2e.people import Hall
from tests.e2e.settings import ARGUMENTS, CHROMIUM

HEARD_MS = 120_000
SILENCE_SECONDS = 30
SPOKEN = ("azure_whatstheweatherlike.wav", "arctic_a0024.wav")
ASKED = {
    "en": ("when are you open", "a table for four on friday at eight"),
    "es": ("¿cuándo abren?", "una mesa para cuatro el viernes a las nueve de la noche"),
    "ru": ("когда вы открыты", "стол на четверых в пятницу в восемь вечера"),
}


def talked(client: httpx.Client, speech: Path) -> str:
    """Asks the bots that come with the server, in three languages, by voice where it is understood; gives one bot's id."""
    bots: list[dict[str, Any]] = client.get("/api/bots").json()["items"]
    for language, questions in ASKED.items():
        there = [bot["id"] for bot in bots if bot["language"] == language]
        for bot, text in zip(there[1:], questions, strict=False):
            asked = {"bot": bot, "text": text, "user_external_id": f"caller-{language}"}
            client.post("/text", json=asked).raise_for_status()
    host = next(bot["id"] for bot in bots if bot["language"] == "en")
    for name in SPOKEN:
        if (speech / name).is_file():
            with (speech / name).open("rb") as file:
                client.post(
                    "/audio", files={"file": file}, data={"bot": host, "meta": '{"line": "main"}'}
                )
    client.post("/audio", files={"file": ("note.wav", b"no sound at all")}, data={"bot": host})
    return str(next(bot["id"] for bot in bots if bot["name"] == "Answering machine"))


def take_talk(
    playwright: Playwright, hall: Hall, client: httpx.Client, speech: Path, folder: Path
) -> list[Path]:
    """The room while a bot answers what was said into the microphone, and what was written on a phone."""
    asked = folder / ".asked.wav"
    _with_silence(speech / SPOKEN[0], asked)
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM,
        args=[*ARGUMENTS, *voice(asked), "--autoplay-policy=no-user-gesture-required"],
    )
    taken = []
    for name, scheme, size, language in (
        ("talk", "light", {"width": 1280, "height": 800}, "en"),
        ("talk-phone-dark-es", "dark", {"width": 390, "height": 800}, "es"),
    ):
        client.patch("/api/me", json={"theme": scheme, "language": language}).raise_for_status()
        context = browser.new_context(
            base_url=hall.url,
            viewport=size,
            permissions=["microphone"],
            reduced_motion="reduce",
            storage_state=hall.signed_in(),
        )
        page = context.new_page()
        page.goto("/talk")
        page.get_by_role("combobox").first.wait_for()
        _spoken(page) if language == "en" else _written(page, ASKED["es"][0])
        page.locator("li[aria-live] dl").first.wait_for(timeout=HEARD_MS)
        page.evaluate("document.fonts.ready")
        taken.append(folder / f"{name}.png")
        page.screenshot(path=taken[-1], animations="disabled")
        context.close()
    browser.close()
    asked.unlink()
    return taken


def _spoken(page: Page) -> None:
    page.locator("label").filter(has_text="Hands-free").click()
    page.get_by_role("button", name="Begin to talk").click()


def _written(page: Page, question: str) -> None:
    page.get_by_role("combobox").first.click()
    page.get_by_role("option", name=re.compile("^Contestador")).click()
    page.get_by_role("textbox").last.fill(question)
    page.keyboard.press("Enter")


def _with_silence(recording: Path, made: Path) -> None:
    """A browser plays its microphone's file over and over: the silence keeps the question from coming again."""
    with wave.open(str(recording), "rb") as source, wave.open(str(made), "wb") as out:
        out.setparams(source.getparams())
        out.writeframes(source.readframes(source.getnframes()))
        out.writeframes(bytes(SILENCE_SECONDS * source.getframerate() * source.getsampwidth()))
