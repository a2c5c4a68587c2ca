"""Whether a file stops before its own header says it does."""

import os
import struct
from typing import IO

_OGG_PAGE = struct.Struct("<4sBBqIIIB")
_OGG_LAST = 4
_RIFF_UNKNOWN_FROM = 0x7FFF_0000
"""Writers that cannot seek back leave a huge size; it says nothing."""
_LARGEST_OGG_PAGE_BYTES = 65_307


def cut_off(file: IO[bytes], container: str) -> bool:
    """Looks at the places where wav and ogg files tell their own end."""
    size = file.seek(0, os.SEEK_END)
    if container == "wav":
        return _riff_cut_off(file, size)
    if container == "ogg":
        return _ogg_cut_off(file, size)
    return False


def _riff_cut_off(file: IO[bytes], size: int) -> bool:
    file.seek(0)
    head = file.read(8)
    if len(head) < 8 or head[:4] != b"RIFF":
        return False
    stated: int = struct.unpack("<I", head[4:])[0]
    return 0 < stated < _RIFF_UNKNOWN_FROM and stated + 8 > size + 1


def _ogg_cut_off(file: IO[bytes], size: int) -> bool:
    file.seek(max(0, size - _LARGEST_OGG_PAGE_BYTES - _OGG_PAGE.size))
    tail = file.read()
    place = tail.rfind(b"OggS")
    if place < 0 or len(tail) - place < _OGG_PAGE.size:
        return True
    segments: int = _OGG_PAGE.unpack_from(tail, place)[-1]
    lacing = tail[place + _OGG_PAGE.size : place + _OGG_PAGE.size + segments]
    return len(lacing) < segments or place + _OGG_PAGE.size + segments + sum(lacing) > len(tail)
