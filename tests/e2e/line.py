"""A network line between a browser and a server, which can be cut and mended."""

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

BLOCK_BYTES = 65_536
LOOK_SECONDS = 0.1


def _place(server: str) -> tuple[str, int]:
    address = urlsplit(server)
    assert address.hostname is not None
    assert address.port is not None
    return address.hostname, address.port


class Line:
    """Forwards connections to a server until it is cut; then every one of them ends and none begins."""

    def __init__(self, server: str) -> None:
        self._server = _place(server)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._whole = threading.Event()
        self._whole.set()
        self._over = threading.Event()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def lead_to(self, server: str) -> None:
        """Connections that begin from now on go to another server."""
        self._server = _place(server)

    def cut(self) -> None:
        """Nothing gets through from now on."""
        self._whole.clear()

    def mend(self) -> None:
        """Everything gets through again."""
        self._whole.set()

    def close(self) -> None:
        """Ends the line for good."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector, self._listener:
            self._listener.setblocking(False)
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._over.is_set():
                for key, _ in selector.select(LOOK_SECONDS):
                    assert isinstance(key.fileobj, socket.socket)
                    if key.fileobj is self._listener:
                        self._accept(selector)
                    else:
                        self._carry(selector, key.fileobj)
                if not self._whole.is_set():
                    self._end_all(selector)
            self._end_all(selector)

    def _accept(self, selector: selectors.BaseSelector) -> None:
        browser, _ = self._listener.accept()
        if not self._whole.is_set():
            browser.close()
            return
        try:
            server = socket.create_connection(self._server)
        except OSError:
            browser.close()
            return
        self._pairs |= {browser: server, server: browser}
        for end in (browser, server):
            selector.register(end, selectors.EVENT_READ)

    def _carry(self, selector: selectors.BaseSelector, end: socket.socket) -> None:
        if end not in self._pairs:
            return
        try:
            block = end.recv(BLOCK_BYTES)
            if block:
                self._pairs[end].sendall(block)
                return
        except OSError:
            block = b""
        self._end(selector, end)

    def _end(self, selector: selectors.BaseSelector, end: socket.socket) -> None:
        for one in (end, self._pairs[end]):
            selector.unregister(one)
            del self._pairs[one]
            one.close()

    def _end_all(self, selector: selectors.BaseSelector) -> None:
        while self._pairs:
            self._end(selector, next(iter(self._pairs)))


@contextmanager
def line_to(server: str) -> Iterator[Line]:
    """A line that lasts as long as the block."""
    line = Line(server)
    try:
        yield line
    finally:
        line.close()
