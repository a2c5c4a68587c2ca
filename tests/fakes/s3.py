"""An S3 on loopback: path-style requests, real SigV4 checks, multipart uploads, ranges, bulk deletion.

It refuses what Amazon refuses: a wrong or missing signature, a body that is not what was signed, an expired
link, a part under 5 MiB that is not the last. Bodies lie in files, so that a large upload costs no memory.
"""

import hashlib
import hmac
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote
from uuid import uuid4
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

MIN_PART_BYTES = 5 * 1024 * 1024
UNSIGNED = "UNSIGNED-PAYLOAD"
KEPT_HEADERS = ("content-type", "content-disposition", "cache-control")


@dataclass
class StoredObject:
    """One object: its bytes in a file, its headers, when it came."""

    file: Path
    etag: str
    headers: dict[str, str]
    at: datetime

    @property
    def size(self) -> int:
        return self.file.stat().st_size


@dataclass
class Upload:
    """One multipart upload under way."""

    key: str
    headers: dict[str, str]
    parts: dict[int, tuple[Path, str]] = field(default_factory=dict)


class FakeS3:
    """An ASGI app that is one bucket."""

    def __init__(
        self,
        folder: Path,
        *,
        bucket: str = "recordings",
        access_key: str = "AKIATEST",
        secret_key: str = "s3-secret",
        region: str = "us-east-1",
    ) -> None:
        self.bucket, self.access_key, self.secret_key, self.region = (
            bucket,
            access_key,
            secret_key,
            region,
        )
        self.objects: dict[str, StoredObject] = {}
        self.uploads: dict[str, Upload] = {}
        self.seen: list[str] = []
        """`METHOD key?query-names` of every request, in order."""
        self.fail: list[tuple[str, int]] = []
        """(what a line of `seen` starts with, the status it is answered with), each used once."""
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except RefusalError as refused:
            body = f"<Error><Code>{refused.code}</Code><Message>{refused.code}</Message></Error>"
            response = Response(body, refused.status, media_type="application/xml")
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        query = dict(parse_qsl(request.url.query, keep_blank_values=True))
        path = unquote(request.scope["raw_path"].decode())
        _, bucket, *rest = path.split("/", 2)
        key = rest[0] if rest else ""
        names = "&".join(n for n in sorted(query) if not n.startswith("X-Amz"))
        line = f"{request.method} {key}?{names}"
        self.seen.append(line)
        for planned in self.fail:
            if line.startswith(planned[0]):
                self.fail.remove(planned)
                raise RefusalError(planned[1], "InternalError")
        digest = self._verify(request, query)
        if bucket != self.bucket:
            raise RefusalError(404, "NoSuchBucket")
        body, md5 = await self._receive(request, digest)
        try:
            return self._dispatch(request, key, query, body, md5)
        finally:
            body.unlink(missing_ok=True)

    def _dispatch(
        self, request: Request, key: str, query: dict[str, str], body: Path, md5: str
    ) -> Response:
        if request.method in ("GET", "HEAD"):
            return self._get(request, key) if key else self._list(query)
        if request.method == "PUT":
            return self._store(request, key, query, body, md5)
        if request.method == "DELETE":
            if "uploadId" in query:
                self._drop_upload(query["uploadId"])
            else:
                self._drop(key)
            return Response(status_code=204)
        if "uploads" in query:
            return self._begin(key, self._kept(request))
        if "uploadId" in query:
            return self._complete(key, query["uploadId"], body)
        if "delete" in query:
            return self._delete_many(body)
        raise RefusalError(405, "MethodNotAllowed")

    def _store(
        self, request: Request, key: str, query: dict[str, str], body: Path, md5: str
    ) -> Response:
        if "partNumber" in query:
            return self._put_part(query, body, md5)
        if source := request.headers.get("x-amz-copy-source"):
            return self._copy(key, unquote(source))
        return self._put(key, self._kept(request), body, md5)

    # What is asked for

    def _put(self, key: str, headers: dict[str, str], body: Path, md5: str) -> Response:
        self._keep(key, headers, body, md5)
        return Response(headers={"ETag": f'"{md5}"'})

    def _keep(self, key: str, headers: dict[str, str], body: Path, etag: str) -> None:
        file = self._folder / uuid4().hex
        body.rename(file)
        self._drop(key)
        self.objects[key] = StoredObject(file, etag, headers, datetime.now(UTC))

    def _put_part(self, query: dict[str, str], body: Path, md5: str) -> Response:
        upload = self._upload(query["uploadId"])
        file = self._folder / uuid4().hex
        body.rename(file)
        upload.parts[int(query["partNumber"])] = (file, md5)
        return Response(headers={"ETag": f'"{md5}"'})

    def _begin(self, key: str, headers: dict[str, str]) -> Response:
        id_ = uuid4().hex
        self.uploads[id_] = Upload(key, headers)
        return xml(
            f"<InitiateMultipartUploadResult><Bucket>{self.bucket}</Bucket><Key>{escape(key)}</Key>"
            f"<UploadId>{id_}</UploadId></InitiateMultipartUploadResult>"
        )

    def _complete(self, key: str, id_: str, body: Path) -> Response:
        upload = self._upload(id_)
        named = ElementTree.fromstring(body.read_text())
        numbers = [int(e.text or "") for e in named.iter() if e.tag.endswith("PartNumber")]
        if numbers != sorted(numbers) or not numbers:
            raise RefusalError(400, "InvalidPartOrder")
        files = [upload.parts[n][0] for n in numbers]
        if any(f.stat().st_size < MIN_PART_BYTES for f in files[:-1]):
            raise RefusalError(400, "EntityTooSmall")
        whole = self._folder / uuid4().hex
        with whole.open("wb") as out:
            for file in files:
                with file.open("rb") as part:
                    shutil.copyfileobj(part, out)
        digests = b"".join(bytes.fromhex(upload.parts[n][1]) for n in numbers)
        etag = f"{hashlib.md5(digests).hexdigest()}-{len(numbers)}"
        self._keep(key, upload.headers, whole, etag)
        self._drop_upload(id_)
        return xml(
            f"<CompleteMultipartUploadResult><Location>x</Location><Bucket>{self.bucket}</Bucket>"
            f"<Key>{escape(key)}</Key><ETag>&quot;{etag}&quot;</ETag></CompleteMultipartUploadResult>"
        )

    def _copy(self, key: str, source: str) -> Response:
        found = self._object(source.lstrip("/").removeprefix(f"{self.bucket}/"))
        body = self._folder / uuid4().hex
        shutil.copyfile(found.file, body)
        self._keep(key, found.headers, body, found.etag)
        return xml(f"<CopyObjectResult><ETag>&quot;{found.etag}&quot;</ETag></CopyObjectResult>")

    def _delete_many(self, body: Path) -> Response:
        keys = [
            e.text or ""
            for e in ElementTree.fromstring(body.read_text()).iter()
            if e.tag.endswith("Key")
        ]
        for key in keys:
            self._drop(key)
        gone = "".join(f"<Deleted><Key>{escape(k)}</Key></Deleted>" for k in keys)
        return xml(f"<DeleteResult>{gone}</DeleteResult>")

    def _list(self, query: dict[str, str]) -> Response:
        size = int(query.get("max-keys", "1000"))
        after = query.get("continuation-token", query.get("start-after", ""))
        keys = sorted(
            k for k in self.objects if k.startswith(query.get("prefix", "")) and k > after
        )
        page, more = keys[:size], len(keys) > size
        contents = "".join(
            f"<Contents><Key>{escape(k)}</Key><Size>{self.objects[k].size}</Size>"
            f"<LastModified>{self.objects[k].at:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
            f"<ETag>&quot;{self.objects[k].etag}&quot;</ETag></Contents>"
            for k in page
        )
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        return xml(
            f"<ListBucketResult><Name>{self.bucket}</Name><KeyCount>{len(page)}</KeyCount>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{contents}{token}</ListBucketResult>"
        )

    def _get(self, request: Request, key: str) -> Response:
        found = self._object(key)
        headers = {
            **found.headers,
            "ETag": f'"{found.etag}"',
            "Last-Modified": f"{found.at:%a, %d %b %Y %H:%M:%S GMT}",
            "Accept-Ranges": "bytes",
        }
        first, last, status = 0, found.size - 1, 200
        if asked := request.headers.get("range"):
            first, last = requested_range(asked, found.size)
            status = 206
            headers["Content-Range"] = f"bytes {first}-{last}/{found.size}"
        headers["Content-Length"] = str(last - first + 1)
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers)
        return StreamingResponse(
            pieces(found.file, first, last - first + 1), status_code=status, headers=headers
        )

    # What is kept

    def _object(self, key: str) -> StoredObject:
        if key not in self.objects:
            raise RefusalError(404, "NoSuchKey")
        return self.objects[key]

    def _upload(self, id_: str) -> Upload:
        if id_ not in self.uploads:
            raise RefusalError(404, "NoSuchUpload")
        return self.uploads[id_]

    def _drop(self, key: str) -> None:
        if found := self.objects.pop(key, None):
            found.file.unlink()

    def _drop_upload(self, id_: str) -> None:
        for file, _ in self._upload(id_).parts.values():
            file.unlink()
        del self.uploads[id_]

    @staticmethod
    def _kept(request: Request) -> dict[str, str]:
        return {k: v for k, v in request.headers.items() if k in KEPT_HEADERS}

    # Who asks

    async def _receive(self, request: Request, digest: str) -> tuple[Path, str]:
        file = self._folder / f"{uuid4().hex}.body"
        sha256, md5 = hashlib.sha256(), hashlib.md5()
        with file.open("wb") as out:
            async for piece in request.stream():
                sha256.update(piece)
                md5.update(piece)
                out.write(piece)
        if digest not in (UNSIGNED, sha256.hexdigest()):
            file.unlink()
            raise RefusalError(400, "XAmzContentSHA256Mismatch")
        return file, md5.hexdigest()

    def _verify(self, request: Request, query: dict[str, str]) -> str:
        """Checks the signature, in headers or in the link, and returns the digest it vouches for."""
        if "X-Amz-Signature" in query:
            given = query.pop("X-Amz-Signature")
            at = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            if datetime.now(UTC) > at + timedelta(seconds=int(query["X-Amz-Expires"])):
                raise RefusalError(403, "AccessDenied")
            credential, names, digest = (
                query["X-Amz-Credential"],
                query["X-Amz-SignedHeaders"],
                UNSIGNED,
            )
            stamp = query["X-Amz-Date"]
        else:
            found = re.fullmatch(
                r"AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=(\w+)",
                request.headers.get("authorization", ""),
            )
            if found is None:
                raise RefusalError(403, "AccessDenied")
            credential, names, given = found.groups()
            digest = request.headers["x-amz-content-sha256"]
            stamp = request.headers["x-amz-date"]
        key_id, day, region, service, _ = credential.split("/")
        if (key_id, region, service) != (self.access_key, self.region, "s3"):
            raise RefusalError(403, "InvalidAccessKeyId")
        pairs = sorted((quote(k, safe="~"), quote(v, safe="~")) for k, v in query.items())
        canonical = "\n".join(
            [
                request.method,
                quote(unquote(request.scope["raw_path"].decode()), safe="/~"),
                "&".join(f"{k}={v}" for k, v in pairs),
                *(f"{n}:{' '.join(request.headers[n].split())}" for n in names.split(";")),
                "",
                names,
                digest,
            ]
        )
        scope = f"{day}/{region}/s3/aws4_request"
        text = (
            f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        )
        secret = f"AWS4{self.secret_key}".encode()
        for part in (day, region, "s3", "aws4_request"):
            secret = hmac.digest(secret, part.encode(), "sha256")
        if not hmac.compare_digest(hmac.digest(secret, text.encode(), "sha256").hex(), given):
            raise RefusalError(403, "SignatureDoesNotMatch")
        return digest


class RefusalError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


def xml(text: str) -> Response:
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>{text}', media_type="application/xml")


def requested_range(header: str, size: int) -> tuple[int, int]:
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", header)
    assert found, header
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last or size - 1), size - 1)
    if start >= size or end < start:
        raise RefusalError(416, "InvalidRange")
    return start, end


async def pieces(file: Path, offset: int, length: int) -> AsyncIterator[bytes]:
    with file.open("rb") as source:
        source.seek(offset)
        while length > 0 and (piece := source.read(min(262_144, length))):
            length -= len(piece)
            yield piece
