"""What travels between the server and a decoder's process: small headers, then bytes as they are."""

import socket
import struct
from enum import IntEnum
from typing import Any

import msgpack

HEADER = struct.Struct("<BQ")
SOCKET_BUFFER_BYTES = 1 << 20

READY = b"r"
"""The process has started, or has taken a job."""
DONE = b"d"
"""The process has put a file's job behind it."""


class Kind(IntEnum):
    """What a message is."""

    BEGIN = 1
    """What the container says, as a map."""
    SAMPLES = 2
    """float32 samples, one channel after the other."""
    END = 3
    """All was read; what was measured, as a map."""
    FAIL = 4
    """An error's code and detail, as a map."""
    CHUNK = 5
    """The next bytes of a live stream."""
    FINISH = 6
    """The live stream has ended."""


class Gone(Exception):  # noqa: N818
    """The other side of the socket has closed it."""


def send(sock: socket.socket, kind: Kind, payload: Any = b"") -> None:
    """Sends one message; a large payload is not copied."""
    view = memoryview(payload).cast("B") if len(payload) else memoryview(b"")
    try:
        sock.sendall(HEADER.pack(kind, view.nbytes))
        if view.nbytes:
            sock.sendall(view)
    except (BrokenPipeError, ConnectionResetError):
        raise Gone from None


def send_map(sock: socket.socket, kind: Kind, values: dict[str, Any]) -> None:
    send(sock, kind, msgpack.packb(values))


def receive_into(sock: socket.socket, view: memoryview) -> None:
    """Fills `view`."""
    while view.nbytes:
        try:
            size = sock.recv_into(view)
        except ConnectionResetError:
            raise Gone from None
        if not size:
            raise Gone
        view = view[size:]


def receive_header(sock: socket.socket) -> tuple[Kind, int]:
    buffer = bytearray(HEADER.size)
    receive_into(sock, memoryview(buffer))
    kind, size = HEADER.unpack(buffer)
    return Kind(kind), size


def receive(sock: socket.socket) -> tuple[Kind, bytearray]:
    kind, size = receive_header(sock)
    payload = bytearray(size)
    receive_into(sock, memoryview(payload))
    return kind, payload


def unpack(payload: bytes | bytearray) -> dict[str, Any]:
    values: dict[str, Any] = msgpack.unpackb(payload)
    return values
