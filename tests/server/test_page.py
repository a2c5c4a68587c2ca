"""The page's files."""

from pathlib import Path

import httpx
import pytest

from tertulia.server.page import Page

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A built page, and a secret beside it."""
    page = tmp_path / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>Tertulia</title>" + " " * 2000)
    (page / "assets" / "main-abc123.js").write_text("console.log(1);" * 500)
    (page / "assets" / "face-abc.woff2").write_bytes(bytes(range(256)))
    (tmp_path / "secret.txt").write_text("no")
    return page


def client(folder: Path) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=Page(folder)), base_url="http://test"
    )


async def test_files_with_a_hash_in_their_name_are_kept_for_ever(folder: Path) -> None:
    async with client(folder) as c:
        script = await c.get("/assets/main-abc123.js")
        index = await c.get("/")
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["content-encoding"] == "gzip"
    assert script.headers["content-type"].startswith("text/javascript")
    assert index.headers["cache-control"] == "no-cache"


async def test_every_room_of_the_page_is_its_index(folder: Path) -> None:
    async with client(folder) as c:
        room = await c.get("/settings/keys")
        api = await c.get("/api/nothing")
        asset = await c.get("/assets/gone.js")
    assert room.status_code == 200
    assert "<title>Tertulia" in room.text
    assert api.status_code == asset.status_code == 404
    assert api.json()["code"] == "not_found"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "//secret.txt",
        "/assets/%00",
    ],
)
async def test_nothing_outside_is_served(folder: Path, path: str) -> None:
    async with client(folder) as c:
        answer = await c.get(httpx.URL("http://test", raw_path=path.encode()))
    assert answer.text != "no"


async def test_an_unchanged_file_is_not_sent_again(folder: Path) -> None:
    async with client(folder) as c:
        first = await c.get("/")
        again = await c.get("/", headers={"If-None-Match": first.headers["etag"]})
        head = await c.head("/")
    assert again.status_code == 304
    assert again.content == b""
    assert int(head.headers["content-length"]) > 0


async def test_fonts_are_sent_as_they_are(folder: Path) -> None:
    async with client(folder) as c:
        font = await c.get("/assets/face-abc.woff2")
    assert font.headers["content-type"] == "font/woff2"
    assert "content-encoding" not in font.headers


async def test_an_unbuilt_page_says_how_to_build_it(tmp_path: Path) -> None:
    async with client(tmp_path / "absent") as c:
        answer = await c.get("/")
    assert answer.status_code == 503
    assert "make web" in answer.text


async def test_a_page_built_anew_under_a_running_server_is_said_to_be(folder: Path) -> None:
    async with client(folder) as c:
        (folder / "assets" / "face-abc.woff2").unlink()
        gone = await c.get("/assets/face-abc.woff2")
    assert gone.status_code == 404
    assert "built anew" in gone.json()["detail"]
