"""uvicorn's WebSocket protocol, with a shorter way for sound: most of what a server does is taking chunks of it."""

from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Opcode

from tertulia.doors.live.direct import EXTENSION, Sink

try:
    from websockets.speedups import apply_mask
except ImportError:  # the wheel for this machine has no compiled part
    from websockets.utils import apply_mask

_FINAL = 0x80
_BINARY = _FINAL | Opcode.BINARY
_TEXT = _FINAL | Opcode.TEXT
_MASKED = 0x80
_HEAD_BYTES, _MASK_BYTES = 2, 4
_MEDIUM = 126
"""What stands for a length of two more bytes; the next number for one of eight."""
_MEDIUM_TEXT = bytes((_TEXT, _MEDIUM))
_LONGEST_SHORT, _LONGEST_MEDIUM = 125, 65_535


class DirectWebSocketProtocol(WebSocketsSansIOProtocol):
    """Cuts the stream into frames itself and reads whole binary messages; all else goes to `websockets`, frame by frame.

    What it does not know, it leaves to `websockets` to refuse. It is an ASGI extension, see `doors.live.direct`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._framed = False
        self._in_parts = False
        self._rest = bytearray()
        self._needed_bytes = 0
        self._sink: Sink | None = None

    # What the application may ask

    def hand_to(self, sink: Sink | None) -> None:
        self._sink = sink

    def send_text(self, frame: str) -> bool:
        data = frame.encode()
        size = len(data)
        if (
            size > _LONGEST_MEDIUM
            or self.close_sent
            or self.disconnected
            or not self.writable.is_set()
            or self.transport.is_closing()
        ):
            return False
        short = size <= _LONGEST_SHORT
        head = bytes((_TEXT, size)) if short else _MEDIUM_TEXT + size.to_bytes(2, "big")
        self.transport.write(head + data)
        return True

    # What comes in

    def data_received(self, data: bytes) -> None:
        if self._framed:
            self._cut(data)
            return
        super().data_received(data)
        # sound that came along with the request has gone to `websockets`, in the middle of a frame perhaps
        self._framed = self.handshake_initiated and data.endswith(b"\r\n\r\n")

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if self.handshake_initiated and not self.handshake_complete:
            extensions = cast(dict[str, Any], self.scope["extensions"])
            extensions[EXTENSION] = self

    def _cut(self, data: bytes) -> None:
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed_bytes:
                return
            data = bytes(self._rest)
            self._rest.clear()
        at, end = 0, len(data)
        while at < end and not self.transport.is_closing():
            body, stop = _measured(data, at)
            if stop - body > self.config.ws_max_size:
                self._hand_over(data[at:])
                return
            if stop > end:
                self._needed_bytes = stop - at
                self._rest += data[at:]
                return
            first = data[at]
            if first == _BINARY and data[at + 1] & _MASKED and not self._in_parts:
                self._message(apply_mask(data[body:stop], data[body - _MASK_BYTES : body]))
            else:
                self._other(first, data[at:stop])
            at = stop

    def _message(self, payload: bytes) -> None:
        if self._sink is None or not self.queue.empty() or not self._sink(payload):
            self.curr_msg_data_type = "bytes"
            self.frames = [payload]
            self.send_receive_event_to_app()

    def _other(self, first: int, frame: bytes) -> None:
        """Text, control frames, and messages in several frames."""
        opcode, final = first & 0x0F, bool(first & _FINAL)
        if opcode <= Opcode.BINARY:
            self._in_parts = not final
        super().data_received(frame)

    def _hand_over(self, data: bytes) -> None:
        """What comes now breaks the protocol, which `websockets` knows how to say."""
        self._framed = False
        self._sink = None
        super().data_received(data)


def _measured(data: bytes, at: int) -> tuple[int, int]:
    """Where the payload of the frame at this place begins and ends; past the end of `data` where not even that is known."""
    body, end = at + _HEAD_BYTES, len(data)
    if body > end:
        return body, body
    masked, size = data[at + 1] & _MASKED, data[at + 1] & 0x7F
    if size >= _MEDIUM:
        place, body = body, body + (2 if size == _MEDIUM else 8)
        if body > end:
            return body, body
        size = int.from_bytes(data[place:body], "big")
    if masked:
        body += _MASK_BYTES
    return body, body + size
