"""The browser and the server that are tried together."""

import shutil
from pathlib import Path

PAGE = Path(__file__).parents[2] / "src/tertulia/server/page/index.html"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# Many sign-ins from one address within a minute are what these tests are made of.
SETTINGS = {
    "rate_limit_sign_in": "1000/minute",
    "rate_limit": "100000/minute",
    "rate_limit_create": "10000/minute",
    "webhook_allowed_networks": "127.0.0.0/8",
}
