"""A Hugging Face Hub on loopback: lists a repository's files and serves them, as huggingface_hub asks for them."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "1" * 40


class _Hub(ThreadingHTTPServer):
    daemon_threads = True
    files: dict[str, dict[str, bytes]]
    asked: list[str]


class _Handler(BaseHTTPRequestHandler):
    server: _Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(path)
        for repository, files in self.server.files.items():
            if path.startswith(f"/api/models/{repository}"):
                self._list(repository, files, tree="/tree/" in path)
                return
            prefix = f"/{repository}/resolve/"
            if path.startswith(prefix):
                name = path.removeprefix(prefix).partition("/")[2]
                if name in files:
                    self._send(200, files[name], body=body)
                    return
        self._send(404, b"{}", body=body, error="RepoNotFound")

    def _list(self, repository: str, files: dict[str, bytes], *, tree: bool) -> None:
        if tree:
            entries = [
                {"type": "file", "path": n, "size": len(d), "oid": _tag(d)}
                for n, d in files.items()
            ]
            self._send(200, json.dumps(entries).encode(), body=True)
            return
        facts = {
            "id": repository,
            "modelId": repository,
            "sha": COMMIT,
            "private": False,
            "tags": [],
        }
        facts["siblings"] = [{"rfilename": name, "size": len(data)} for name, data in files.items()]
        self._send(200, json.dumps(facts).encode(), body=True)

    def _send(self, status: int, data: bytes, *, body: bool, error: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", f'"{_tag(data)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("X-Linked-Size", str(len(data)))
        if error:
            self.send_header("X-Error-Code", error)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *_arguments: object) -> None:
        return


def _tag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextmanager
def model_hub(files: dict[str, dict[str, bytes]]) -> Iterator[tuple[str, list[str]]]:
    """Serves repositories (`owner/name` to files); gives the address and what was asked for."""
    hub = _Hub(("127.0.0.1", 0), _Handler)
    hub.files, hub.asked = files, []
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{hub.server_address[1]}", hub.asked
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join(timeout=5)
