"""A private Vercel Blob store on loopback: the control API under `/api/blob`, the files under `/content`.

It keeps to what `@vercel/blob` 2 sends and expects, and refuses what the service refuses: a foreign token, an
access other than private, a name that is taken, parts of unequal size, an expired or forged link.
"""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from tests.fakes.s3 import RefusalError, pieces, requested_range

MIN_PART_BYTES = 5 * 1024 * 1024
TOKEN = "vercel_blob_rw_StoreAbc123_secret"


@dataclass
class StoredFile:
    """One file of the store."""

    file: Path
    content_type: str
    at: datetime


@dataclass
class Upload:
    """One multipart upload under way."""

    pathname: str
    content_type: str
    parts: dict[int, tuple[Path, str]] = field(default_factory=dict)


class FakeVercelBlob:
    """An ASGI app that is one private store."""

    def __init__(self, folder: Path, *, token: str = TOKEN, ranges: bool = True) -> None:
        self.token = token
        self.store_id = token.split("_")[3].lower()
        self.files: dict[str, StoredFile] = {}
        self.uploads: dict[str, Upload] = {}
        self.seen: list[str] = []
        self.fail: list[tuple[str, int, str]] = []
        """(what a line of `seen` starts with, the status, the error's code), each used once."""
        self.content_url = ""
        self._ranges = ranges
        self._secret = b"signing-secret"
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except RefusalError as refused:
            response = JSONResponse(
                {"error": {"code": refused.code, "message": "no"}}, refused.status
            )
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        line = f"{request.method} {path} {request.headers.get('x-mpu-action', '')}".strip()
        self.seen.append(line)
        for planned in self.fail:
            if line.startswith(planned[0]):
                self.fail.remove(planned)
                raise RefusalError(planned[1], planned[2])
        if path.startswith("/content/"):
            return self._serve(request, path.removeprefix("/content/"))
        self._admit(request)
        match request.method, path.removeprefix("/api/blob"):
            case "PUT", "/":
                return await self._put(request)
            case "POST", "/mpu":
                return await self._mpu(request)
            case "POST", "/delete":
                return self._delete((await request.json())["urls"])
            case "POST", "/signed-token":
                return self._issue(await request.json())
            case "GET", "/":
                url = request.query_params.get("url")
                return self._head(url) if url else self._list(request)
        raise RefusalError(404, "not_found")

    # The control API

    def _admit(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise RefusalError(403, "forbidden")
        assert request.headers["x-api-version"] == "12"
        assert request.headers["x-vercel-blob-store-id"] == self.store_id

    async def _put(self, request: Request) -> Response:
        pathname = self._free(request)
        if source := request.query_params.get("fromUrl"):
            found = self._found(self._pathname(source))
            body, _ = await self._receive(request)
            body.write_bytes(found.file.read_bytes())
            content_type = request.headers.get("x-content-type", found.content_type)
        else:
            body, _ = await self._receive(request)
            content_type = request.headers.get("x-content-type", "application/octet-stream")
        return self._keep(pathname, body, content_type)

    async def _mpu(self, request: Request) -> Response:
        pathname, action = request.query_params["pathname"], request.headers["x-mpu-action"]
        if action == "create":
            id_ = uuid4().hex
            self.uploads[id_] = Upload(self._free(request), request.headers["x-content-type"])
            return JSONResponse({"uploadId": id_, "key": f"{self.store_id}/{pathname}"})
        upload = self.uploads.get(request.headers["x-mpu-upload-id"])
        key = unquote(request.headers["x-mpu-key"])
        if upload is None or key != f"{self.store_id}/{upload.pathname}":
            raise RefusalError(404, "not_found")
        if action == "upload":
            body, etag = await self._receive(request)
            upload.parts[int(request.headers["x-mpu-part-number"])] = (body, etag)
            return JSONResponse({"etag": etag})
        return self._complete(upload, await request.json(), request)

    def _complete(self, upload: Upload, parts: list[dict[str, Any]], request: Request) -> Response:
        files = [upload.parts[p["partNumber"]] for p in parts]
        sizes = [file.stat().st_size for file, _ in files]
        if [e for _, e in files] != [p["etag"] for p in parts] or len(set(sizes[:-1])) > 1:
            raise RefusalError(400, "bad_request")
        if any(size < MIN_PART_BYTES for size in sizes[:-1]):
            raise RefusalError(400, "bad_request")
        whole = self._folder / uuid4().hex
        with whole.open("wb") as out:
            for file, _ in files:
                out.write(file.read_bytes())
                file.unlink()
        del self.uploads[request.headers["x-mpu-upload-id"]]
        return self._keep(upload.pathname, whole, upload.content_type)

    def _delete(self, urls: list[str]) -> Response:
        for url in urls:
            if found := self.files.pop(self._pathname(url), None):
                found.file.unlink()
        return Response()

    def _head(self, url: str) -> Response:
        return JSONResponse(self._told(self._pathname(url)))

    def _list(self, request: Request) -> Response:
        query = request.query_params
        size, after = int(query.get("limit", "1000")), query.get("cursor", "")
        names = sorted(n for n in self.files if n.startswith(query.get("prefix", "")) and n > after)
        page, more = names[:size], len(names) > size
        answer = {"blobs": [self._told(n) for n in page], "hasMore": more}
        return JSONResponse(answer | ({"cursor": page[-1]} if more else {}))

    def _issue(self, asked: dict[str, Any]) -> Response:
        scope = {
            "storeId": f"store_{self.store_id}",
            "pathname": asked["pathname"],
            "operations": asked["operations"],
            "validUntil": asked["validUntil"],
        }
        payload = encoded(json.dumps(scope).encode())
        token = f"{payload}.{encoded(hmac.digest(self._secret, payload.encode(), 'sha256'))}"
        signing = encoded(hmac.digest(self._secret, token.encode(), "sha256"))
        return JSONResponse(
            {
                "delegationToken": token,
                "clientSigningToken": signing,
                "validUntil": asked["validUntil"],
            }
        )

    # The files

    def _serve(self, request: Request, pathname: str) -> Response:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            self._check_link(request, pathname)
        found = self._found(pathname)
        size = found.file.stat().st_size
        headers = {"content-type": found.content_type, "accept-ranges": "bytes"}
        offset, length, status = 0, size, 200
        if self._ranges and (asked := request.headers.get("range")):
            first, last = requested_range(asked, size)
            offset, length, status = first, last - first + 1, 206
            headers["content-range"] = f"bytes {first}-{last}/{size}"
        headers["content-length"] = str(length)
        return StreamingResponse(
            pieces(found.file, offset, length), status_code=status, headers=headers
        )

    def _check_link(self, request: Request, pathname: str) -> None:
        query = request.query_params
        token = query.get("vercel-blob-delegation", "")
        payload, _, mac = token.partition(".")
        if mac != encoded(hmac.digest(self._secret, payload.encode(), "sha256")):
            raise RefusalError(403, "forbidden")
        scope = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        named = {k: v for k, v in query.items() if k == "vercel-blob-valid-until"}
        lines = sorted(
            ["operation=get", f"pathname={pathname}", *(f"{k}={v}" for k, v in named.items())]
        )
        signing = encoded(hmac.digest(self._secret, token.encode(), "sha256"))
        signature = encoded(hmac.digest(signing.encode(), "\n".join(lines).encode(), "sha256"))
        until = min(
            scope["validUntil"], int(named.get("vercel-blob-valid-until", scope["validUntil"]))
        )
        if (
            query.get("vercel-blob-signature") != signature
            or scope["pathname"] not in ("*", pathname)
            or "get" not in scope["operations"]
            or time.time() * 1000 > until
        ):
            raise RefusalError(403, "forbidden")

    # What is kept

    def _free(self, request: Request) -> str:
        if request.headers.get("x-vercel-blob-access") != "private":
            raise RefusalError(400, "bad_request")
        assert request.headers["x-add-random-suffix"] == "0"
        pathname: str = request.query_params["pathname"]
        if pathname in self.files and request.headers.get("x-allow-overwrite") != "1":
            raise RefusalError(400, "bad_request")
        return pathname

    def _keep(self, pathname: str, body: Path, content_type: str) -> Response:
        self.files[pathname] = StoredFile(body, content_type, datetime.now(UTC))
        return JSONResponse(self._told(pathname))

    def _found(self, pathname: str) -> StoredFile:
        if pathname not in self.files:
            raise RefusalError(404, "not_found")
        return self.files[pathname]

    def _told(self, pathname: str) -> dict[str, Any]:
        found = self._found(pathname)
        url = f"{self.content_url}/{pathname}"
        return {
            "url": url,
            "downloadUrl": f"{url}?download=1",
            "pathname": pathname,
            "size": found.file.stat().st_size,
            "uploadedAt": found.at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "contentType": found.content_type,
            "contentDisposition": "inline",
            "cacheControl": "public, max-age=31536000",
        }

    async def _receive(self, request: Request) -> tuple[Path, str]:
        file, md5 = self._folder / uuid4().hex, hashlib.md5()
        try:
            with file.open("wb") as out:
                async for piece in request.stream():
                    md5.update(piece)
                    out.write(piece)
        except BaseException:
            file.unlink()
            raise
        return file, md5.hexdigest()

    @staticmethod
    def _pathname(url: str) -> str:
        return unquote(urlsplit(url).path).removeprefix("/content/")


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
