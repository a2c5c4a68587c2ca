"""How quick the page is, in Chromium, with a long conversation and many of them: `python -m tests.e2e.measure`."""

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from tests.e2e.people import Hall, claimed
from tests.e2e.settings import ARGUMENTS, CHROMIUM, SETTINGS
from tests.fixtures.server import launch

CONVERSATIONS = 10_000
PASSAGES = 5_000
LINE = {"offline": False, "latency": 40, "downloadThroughput": 1.25e6, "uploadThroughput": 625e3}
"""A line of 10 Mbit/s that takes 40 ms."""
WORDS = [
    "the",
    "parcel",
    "came",
    "late",
    "and",
    "nobody",
    "knew",
    "who",
    "had",
    "signed",
    "for",
    "it",
    "because",
    "the",
    "office",
    "was",
    "closed",
    "and",
    "the",
    "driver",
    "left",
    "a",
    "note",
    "about",
    "a",
    "refund",
    "that",
    "would",
    "be",
    "paid",
    "when",
    "the",
    "invoice",
    "has",
    "been",
    "checked",
    "by",
    "somebody",
    "in",
    "accounting",
]

LOADED = """() => new Promise(resolve => {
  let largest = 0;
  new PerformanceObserver(list => { for (const one of list.getEntries()) largest = one.startTime; })
    .observe({ type: "largest-contentful-paint", buffered: true });
  setTimeout(() => {
    const all = performance.getEntriesByType("resource");
    const kB = Math.round(all.reduce((sum, one) => sum + one.transferSize, 0) / 1000);
    resolve(`${all.length} requests, ${kB} kB, largest paint after ${Math.round(largest)} ms`);
  }, 300);
})"""
SCROLLED = """step => new Promise(resolve => {
  const times = [];
  const end = performance.now() + 4000;
  const frame = time => {
    times.push(time);
    scrollBy(0, step);
    if (performance.now() < end) return requestAnimationFrame(frame);
    const took = times.slice(1).map((one, at) => one - times[at]).sort((a, b) => a - b);
    const at = share => took[Math.floor((took.length - 1) * share)].toFixed(1);
    resolve(`${took.length} frames in 4 s, p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(1)} ms`);
  };
  requestAnimationFrame(frame);
})"""
FOUND = "() => document.querySelector('mark') && !document.querySelector('[class*=stale]')"


def filled(client: httpx.Client) -> str:
    """Makes the conversations, the same ones each time, and gives the long one's id."""
    chance = random.Random(5)
    for number in range(CONVERSATIONS):
        said(client, chance, f"Conversation {number}", 4)
    return said(client, chance, "A long one", PASSAGES)


def said(client: httpx.Client, chance: random.Random, title: str, passages: int) -> str:
    made = client.post("/api/transcripts", json={"kind": "calls", "title": title, "language": "en"})
    id_ = str(made.raise_for_status().json()["id"])
    segments: list[dict[str, Any]] = [
        {
            "utterance_id": f"u{number}",
            "text": " ".join(chance.choices(WORDS, k=20)),
            "start": number * 4.0,
            "end": number * 4.0 + 3.5,
            "speaker": f"speaker {number % 3}",
        }
        for number in range(passages)
    ]
    for first in range(0, passages, 1000):
        body = {"segments": segments[first : first + 1000]}
        client.post(f"/api/transcripts/{id_}/segments", json=body).raise_for_status()
    return id_


def opened(browser: Browser, hall: Hall) -> BrowserContext:
    return browser.new_context(
        base_url=hall.url,
        viewport={"width": 1280, "height": 800},
        storage_state=hall.signed_in(),
    )


def first_load(browser: Browser, hall: Hall, path: str) -> str:
    """A first visit over a line that is no longer a network of one's own."""
    context = opened(browser, hall)
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", LINE)
    page.goto(path)
    page.get_by_role("heading", level=1).first.wait_for()
    page.wait_for_load_state("networkidle")
    found = str(page.evaluate(LOADED))
    context.close()
    return found


def searching(browser: Browser, hall: Hall) -> str:
    """From the last key to what is found, with the pause that waits for the next key."""
    context = opened(browser, hall)
    page = context.new_page()
    page.goto("/library")
    field = page.get_by_role("searchbox")
    took = []
    for words in ("refund", "driver invoice", "accounting", "note", "parcel sign*"):
        field.fill("")
        page.wait_for_load_state("networkidle")
        field.press_sequentially(words, delay=60)
        last = time.perf_counter()
        page.wait_for_function(FOUND)
        took.append((time.perf_counter() - last) * 1000)
    context.close()
    return f"{min(took):.0f} to {max(took):.0f} ms after the last key"


def scrolling(browser: Browser, hall: Hall, id_: str, step: int) -> str:
    context = opened(browser, hall)
    page = context.new_page()
    page.goto(f"/library/{id_}")
    page.locator("[data-line]").first.wait_for()
    page.wait_for_load_state("networkidle")
    found = str(page.evaluate(SCROLLED, step))
    context.close()
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = launch(Path(folder) / "data", **SETTINGS)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            hall = claimed(server)
            with hall.client() as client:
                long_one = filled(client)
            for path in ("/", "/library"):
                sys.stdout.write(f"first load of {path}: {first_load(browser, hall, path)}\n")
            sys.stdout.write(f"search: {searching(browser, hall)}\n")
            for step in (30, 120):
                frames = scrolling(browser, hall, long_one, step)
                sys.stdout.write(f"scrolling {step} px a frame: {frames}\n")
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main()
