"""Pictures of the room Live, which has to be spoken into first."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, Playwright
from tests.e2e.people import Hall
from tests.e2e.settings import ARGUMENTS, CHROMIUM

HEARD_MS = 240_000
# Some words confirmed, some still coming. A busy machine has its warning in the picture: take it again on a quiet one.
SPOKEN = """() => document.querySelector('[data-final]')
    && document.querySelector('[data-utterance]:not([data-final])')?.children.length > 4"""
ENGLISH = "localStorage.setItem('tertulia.live.choices', JSON.stringify({language: 'en'}))"
STARTS = re.compile("Start listening|Empezar a escuchar|Начать слушать")
LOOKS = {
    "live": ("light", {"width": 1280, "height": 800}, "en"),
    "live-phone-dark-es": ("dark", {"width": 390, "height": 800}, "es"),
}


def voice(recording: Path) -> list[str]:
    """What makes a browser hear a recording as if somebody spoke."""
    return [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={recording}",
    ]


def take_live(
    playwright: Playwright, hall: Hall, client: httpx.Client, recording: Path, folder: Path
) -> list[Path]:
    """The room before anybody speaks, and while somebody does, on a desk and a phone."""
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM, args=[*ARGUMENTS, *voice(recording)]
    )
    taken = []
    for name, (scheme, size, language) in LOOKS.items():
        client.patch("/api/me", json={"theme": scheme, "language": language}).raise_for_status()
        with _room(browser, hall, size) as page:
            page.goto("/live")
            page.get_by_role("button", name=STARTS).wait_for()
            page.evaluate("document.fonts.ready")
            taken.append(_shot(page, folder / f"{name}-before.png"))
            page.get_by_role("button", name=STARTS).click()
            page.wait_for_function(SPOKEN, timeout=HEARD_MS)
            taken.append(_shot(page, folder / f"{name}.png"))
    browser.close()
    return taken


def _shot(page: Page, file: Path) -> Path:
    page.screenshot(path=file, animations="disabled")
    return file


@contextmanager
def _room(browser: Browser, hall: Hall, size: dict[str, int]) -> Iterator[Page]:
    context = browser.new_context(
        base_url=hall.url,
        viewport=size,
        permissions=["microphone"],
        reduced_motion="reduce",
        storage_state=hall.signed_in(),
    )
    try:
        page = context.new_page()
        page.add_init_script(ENGLISH)
        yield page
    finally:
        context.close()
