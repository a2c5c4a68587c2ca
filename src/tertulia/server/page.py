"""The web page's files: compressed once, cached for long, and one entry for every room of the page."""

import gzip
import mimetypes
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tertulia.kernel.errors import NotFoundError
from tertulia.kernel.http import problem_response

FOLDER = Path(__file__).parent / "page"
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
COMPRESSIBLE = ("text/", "application/javascript", "application/json", "image/svg")

mimetypes.add_type("font/woff2", ".woff2")
mimetypes.add_type("application/manifest+json", ".webmanifest")
mimetypes.add_type("text/javascript", ".js")

MISSING = """<!doctype html><meta charset="utf-8"><title>Tertulia</title>
<p>The server runs, but its page has not been built. Run <code>make web</code> and load this again.</p>"""


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    compressed: bytes | None
    media_type: str
    etag: str
    modified: str


@lru_cache(maxsize=512)
def _load(path: Path) -> _File:
    body = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    small = gzip.compress(body, 9, mtime=0) if media_type.startswith(COMPRESSIBLE) else None
    return _File(
        body,
        small if small and len(small) < len(body) else None,
        media_type,
        f'"{sha256(body).hexdigest()[:24]}"',
        formatdate(path.stat().st_mtime, usegmt=True),
    )


class Page:
    """An ASGI app for everything that is not the API."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder.resolve()
        # the set of files is fixed once built: what is not in it cannot be asked for, whatever the path says
        self._files = (
            {
                "/" + p.relative_to(self._folder).as_posix(): p
                for p in self._folder.rglob("*")
                if p.is_file()
            }
            if self._folder.is_dir()
            else {}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        response = self._answer(scope)
        await response(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        path: str = scope["path"]
        if scope["method"] not in ("GET", "HEAD"):
            return problem_response(
                NotFoundError("There is nothing to send to here. The API is at /api.")
            )
        if path in self._files:
            caching = FOREVER if path.startswith("/assets/") else ASK_AGAIN
            try:
                return self._file(self._files[path], scope, caching)
            except FileNotFoundError:
                return problem_response(
                    NotFoundError("The page was built anew while the server ran. Start it again.")
                )
        if path.startswith(("/api/", "/v1/", "/assets/")):
            return problem_response(
                NotFoundError("There is no such address. Look it up in /api/docs.")
            )
        if "/index.html" in self._files:
            return self._file(self._files["/index.html"], scope, ASK_AGAIN)
        return Response(MISSING, media_type="text/html", status_code=503)

    @staticmethod
    def _file(path: Path, scope: Scope, caching: str) -> Response:
        file = _load(path)
        asked = dict(scope["headers"])
        headers = {
            "ETag": file.etag,
            "Last-Modified": file.modified,
            "Cache-Control": caching,
            "Vary": "Accept-Encoding",
        }
        if asked.get(b"if-none-match", b"").decode("latin-1") == file.etag:
            return Response(status_code=304, headers=headers)
        body = file.body
        if file.compressed is not None and b"gzip" in asked.get(b"accept-encoding", b""):
            body = file.compressed
            headers["Content-Encoding"] = "gzip"
        if scope["method"] == "HEAD":
            headers["Content-Length"] = str(len(body))
            return Response(media_type=file.media_type, headers=headers)
        return Response(body, media_type=file.media_type, headers=headers)
