"""Takes the pictures in docs/screenshots: `python -m tests.e2e.screenshots`."""

import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright
from tests.e2e.listener import listening
from tests.e2e.live_pictures import take_live
from tests.e2e.people import PASSWORD, Hall, claimed
from tests.e2e.settings import ARGUMENTS, CHROMIUM, SETTINGS
from tests.e2e.squeezing import squeeze
from tests.e2e.talk_pictures import take_talk, talked
from tests.fixtures.server import launch

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "screenshots"
SPEECH = ROOT.parent / "shared" / "speech" / "en"
READ = ("librivox_sense_0870.wav", "librivox_sense_0880.wav", "librivox_sense_0890.wav")

SIZES = {"desk": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 800}}
LARGEST_BYTES = 200_000
WAIT_SECONDS = 120


@dataclass(frozen=True)
class Picture:
    """One page as it is shown: where, in which language and theme, on what."""

    name: str
    path: str
    look: str = "light"
    size: str = "desk"
    language: str = "en"
    inside: bool = True
    press: str | None = None


def pictures(
    reading: str | None, webhook: str, space: str, invitation: str, link: str
) -> list[Picture]:
    """Every page once, and the other themes, sizes and languages spread over them."""
    taken = [
        Picture("sign-in", "/sign-in", inside=False),
        Picture("sign-in-phone-dark-es", "/sign-in", "dark", "phone", "es", inside=False),
        Picture("first-account", link, inside=False),
        Picture("invitation-ru", invitation, language="ru", inside=False),
        Picture("home", "/"),
        Picture("home-dark-es", "/", "dark", language="es"),
        Picture("home-phone-ru", "/", size="phone", language="ru"),
        Picture("transcribe", "/transcribe"),
        Picture("transcribe-phone-dark", "/transcribe", "dark", "phone"),
        Picture("settings-me-ru", "/settings/me", language="ru"),
        Picture("settings-people", "/settings/people"),
        Picture("settings-people-phone-es", "/settings/people", size="phone", language="es"),
        Picture("settings-spaces", "/settings/spaces"),
        Picture("settings-space-dark", f"/settings/spaces/{space}", "dark"),
        Picture("settings-keys", "/settings/keys"),
        Picture("settings-keys-new-dark", "/settings/keys", "dark", press="New key"),
        Picture("settings-webhooks", "/settings/webhooks"),
        Picture("settings-deliveries", f"/settings/webhooks/{webhook}"),
        Picture("status", "/status"),
        Picture("status-phone-dark-ru", "/status", "dark", "phone", "ru"),
    ]
    if reading:
        taken.append(Picture("reading", f"/transcribe/{reading}"))
        taken.append(Picture("reading-phone-dark", f"/transcribe/{reading}", "dark", "phone"))
    return taken


def hall_pictures(client: httpx.Client) -> list[Picture]:
    """The library, its conversations and what they cost, filled with the demo."""
    client.post("/api/demo").raise_for_status()

    def whole() -> bool:
        demo = client.get("/api/demo").json()
        here = [f"/api/transcripts/{id_}" for id_ in demo["transcripts"]]
        return len(here) == demo["of"] and all(
            client.get(f"{one}/analysis").json().get("status") == "DONE"
            and client.get(f"{one}/waveform").json()["ready"]
            for one in here
        )

    until(whole, "the demo")
    listed = client.get("/api/transcripts?tag=demo").json()["items"]
    by_source = {one["source_id"]: f"/library/{one['id']}" for one in listed}
    call, meeting = by_source["demo:es-factura-doble"], by_source["demo:ru-planerka"]
    english = by_source["demo:en-late-delivery"]
    return [
        Picture("library", "/library"),
        Picture("library-search", "/library?q=friday"),
        Picture("library-phone-dark-es", "/library", "dark", "phone", "es"),
        Picture("library-conversation", english),
        Picture("conversation-dark-ru", meeting, "dark", language="ru"),
        Picture("conversation-phone-es", call, size="phone", language="es"),
        Picture("analysis-phone-dark-es", f"{call}?view=analysis", "dark", "phone", "es"),
        Picture("costs", "/costs"),
        Picture("costs-dark-ru", "/costs", "dark", language="ru"),
    ]


def talk_pictures(client: httpx.Client) -> list[Picture]:
    """Bots, and what was asked of them."""
    bot = talked(client, SPEECH)
    return [
        Picture("turns", "/turns"),
        Picture("turns-phone-es", "/turns", size="phone", language="es"),
        Picture("turns-charts-dark-ru", "/turns?charts=true", "dark", language="ru"),
        Picture("settings-bots-ru", "/settings/bots", language="ru"),
        Picture("settings-bot-dark", f"/settings/bots/new?copy={bot}", "dark"),
        Picture("settings-bot-phone-es", f"/settings/bots/new?copy={bot}", "light", "phone", "es"),
    ]


def join(client: httpx.Client, url: str, space: str, name: str, email: str, role: str) -> None:
    """Invites somebody, who accepts."""
    invitation = client.post(
        f"/api/spaces/{space}/invitations", json={"role": role}
    ).raise_for_status()
    token = invitation.json()["link"].rpartition("/")[2]
    account = {"name": name, "email": email, "password": PASSWORD}
    with httpx.Client(base_url=url, timeout=60) as guest:
        guest.post(f"/api/invitations/{token}/accept", json=account).raise_for_status()


def until(answer: Any, what: str) -> Any:
    """Asks until there is something to see."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        found = answer()
        if found:
            return found
        time.sleep(0.2)
    raise TimeoutError(what)


def passage(folder: Path) -> Path:
    """Three sentences of a book read aloud, one after another."""
    joined = folder / "sense-and-sensibility.wav"
    with wave.open(str(joined), "wb") as out:
        for index, name in enumerate(READ):
            with wave.open(str(SPEECH / name), "rb") as part:
                if index == 0:
                    out.setparams(part.getparams())
                out.writeframes(part.readframes(part.getnframes()))
                out.writeframes(bytes(part.getframerate() * 2))
    return joined


def transcribed(client: httpx.Client, folder: Path) -> str | None:
    """A transcription made by this server, where the recordings are at hand."""
    if not SPEECH.is_dir():
        sys.stderr.write(f"No recordings in {SPEECH}: the reading page is left out.\n")
        return None
    with passage(folder).open("rb") as file:
        made = client.post("/api/transcribe", files={"file": file}, data={"language": "en"})
    id_ = str(made.raise_for_status().json()["id"])

    def done() -> bool:
        return client.get(f"/api/transcribe/{id_}").json()["status"] in ("done", "failed")

    until(done, "the transcription")
    return id_


def prepared(hall: Hall, client: httpx.Client, folder: Path, hook: str) -> Iterator[Picture]:
    """Fills a fresh server with a little of everything; what comes later is not in the pictures before."""
    space = client.get("/api/me").json()["active_space_id"]
    client.patch(f"/api/spaces/{space}", json={"name": "Newsroom"}).raise_for_status()
    client.post("/api/spaces", json={"name": "Archive"}).raise_for_status()
    join(client, hall.url, space, "Second Editor", "editor@example.org", "ADMIN")
    join(client, hall.url, space, "Third Reader", "reader@example.org", "MEMBER")
    open_ = client.post(
        f"/api/spaces/{space}/invitations", json={"role": "MEMBER", "email": "guest@example.org"}
    ).json()["link"]
    scopes = [scope["name"] for scope in client.get("/api/scopes").json()]
    for name, some in (("Nightly import", scopes[:2]), ("Recorder", ["speech"])):
        client.post(
            "/api/keys", json={"name": name, "scopes": some, "space_id": space}
        ).raise_for_status()
    webhook = (
        client.post("/api/webhooks", json={"url": hook, "types": [], "space_id": space})
        .raise_for_status()
        .json()["id"]
    )
    reading = transcribed(client, folder)
    client.post(f"/api/webhooks/{webhook}/test").raise_for_status()
    ledger = f"/api/webhooks/{webhook}/deliveries"
    until(
        lambda: any(one["delivered_at"] for one in client.get(ledger).json()["items"]), "a delivery"
    )
    invitation = "/invitations/" + open_.rpartition("/")[2]
    first = pictures(reading, webhook, space, invitation, "/sign-in?link=once")
    yield from hall_pictures(client)
    yield from first
    yield from talk_pictures(client)


def take(browser: Browser, hall: Hall, client: httpx.Client, picture: Picture) -> None:
    """Opens the page as the picture asks and writes it down."""
    theme = {"theme": picture.look, "language": picture.language}
    client.patch("/api/me", json=theme).raise_for_status()
    with window(browser, hall, picture) as page:
        page.goto(picture.path)
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_function("() => !document.querySelector('.mantine-Skeleton-root')")
        if picture.press:
            page.get_by_role("button", name=picture.press).first.click()
            page.get_by_role("dialog").get_by_role("checkbox").first.wait_for()
        page.evaluate("document.fonts.ready")
        page.wait_for_load_state("load")
        file = FOLDER / f"{picture.name}.png"
        page.screenshot(path=file, animations="disabled")
    written(file)


def take_heard(browser: Browser, hall: Hall, client: httpx.Client, path: str) -> None:
    """The picture one sees first: a conversation while it is heard, sharp enough for a fine screen."""
    client.patch("/api/me", json={"theme": "light", "language": "en"}).raise_for_status()
    with window(browser, hall, Picture("heard", path), device_scale_factor=2) as page:
        page.goto(path)
        page.locator("audio").wait_for(state="attached")
        page.wait_for_function("() => document.querySelector('audio').readyState === 4")
        page.locator("[data-line]").nth(2).click(position={"x": 90, "y": 14})
        page.wait_for_function("() => CSS.highlights.has('spoken')")
        page.evaluate("document.querySelector('audio').pause()")
        page.evaluate("document.activeElement.blur()")
        page.mouse.move(0, 0)
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=FOLDER / "heard.png", animations="disabled")
    written(FOLDER / "heard.png")


def written(file: Path) -> None:
    squeeze(file)
    size = file.stat().st_size
    sys.stdout.write(f"{file.relative_to(ROOT)}  {size // 1000} kB\n")
    if size > LARGEST_BYTES:
        raise ValueError(f"{file.name} is larger than {LARGEST_BYTES} bytes")


@contextmanager
def window(
    browser: Browser, hall: Hall, picture: Picture, device_scale_factor: float = 1
) -> Iterator[Page]:
    context = browser.new_context(
        base_url=hall.url,
        viewport=SIZES[picture.size],
        color_scheme=picture.look,
        device_scale_factor=device_scale_factor,
        locale={"en": "en-GB", "es": "es-ES", "ru": "ru-RU"}[picture.language],
        reduced_motion="reduce",
        storage_state=hall.signed_in() if picture.inside else None,
    )
    try:
        yield context.new_page()
    finally:
        context.close()


def main() -> None:
    """Takes all of them, or those whose names are given."""
    wanted = sys.argv[1:]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, listening() as listener:
        server = launch(Path(folder) / "data", **SETTINGS)
        try:
            hall = claimed(server)
            with hall.client() as client, sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
                if not wanted:
                    take(browser, hall, client, Picture("home-first", "/"))
                for picture in prepared(hall, client, Path(folder), listener.url):
                    if not wanted or picture.name in wanted:
                        take(browser, hall, client, picture)
                    if picture.name == "library-conversation":
                        take_heard(browser, hall, client, picture.path)
                browser.close()
                if SPEECH.is_dir():
                    for file in (
                        *take_talk(playwright, hall, client, SPEECH, FOLDER),
                        *(
                            ()
                            if wanted
                            else take_live(playwright, hall, client, passage(Path(folder)), FOLDER)
                        ),
                    ):
                        written(file)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
