"""How a stored file is shown to a browser: under which name, and whether it may be opened in place."""

import re
import unicodedata
from urllib.parse import quote

PLAIN = "application/octet-stream"
MAX_NAME_CHARACTERS = 150

_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_PARAMETER = re.compile(r"(codecs|charset|rate|channels)=(\"[\w .,+-]{1,64}\"|[\w.+-]{1,64})")
_SHOWN = re.compile(r"(audio|video)/[^+]+|image/(png|jpeg|gif|webp|avif)|text/plain")


_PLAYABLE = {
    "aac": "audio/aac",
    "amr": "audio/amr",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "webm": "audio/webm",
}


def media_type(content_type: str) -> str:
    """A content type with nothing in it but a type and parameters that players need."""
    essence, *parameters = (part.strip() for part in content_type.split(";"))
    if not _MEDIA_TYPE.fullmatch(essence.lower()):
        return PLAIN
    kept = [p for p in parameters if _PARAMETER.fullmatch(p)]
    return "; ".join([essence.lower(), *kept])


def playable_type(content_type: str, name: str | None) -> str:
    """The content type, or that of a recording's extension where the sender only said "bytes"."""
    if media_type(content_type) != PLAIN:
        return content_type
    return _PLAYABLE.get((name or "").rpartition(".")[2].lower(), PLAIN)


def shown_in_place(content_type: str) -> bool:
    """Whether a browser may open it in the page: only what it cannot run."""
    return _SHOWN.fullmatch(media_type(content_type).split(";")[0]) is not None


def safe_name(name: str | None) -> str | None:
    """The last part of a name, without what could mislead a person or a file system."""
    if not name:
        return None
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    # Control and format characters hide line ends and reversed extensions (U+202E); surrogates cannot be encoded.
    kept = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    kept = kept.strip(" .")
    if len(kept) > MAX_NAME_CHARACTERS:
        stem, dot, extension = kept.rpartition(".")
        tail = dot + extension if dot and len(extension) <= 10 else ""
        kept = (stem if tail else kept)[: MAX_NAME_CHARACTERS - len(tail)] + tail
    return kept or None


def content_disposition(name: str | None, content_type: str, *, download: bool = False) -> str:
    """RFC 6266: `inline` only for what cannot run, the name in ASCII for old clients and encoded for all others."""
    way = "attachment" if download or not shown_in_place(content_type) else "inline"
    name = safe_name(name)
    if name is None:
        return way
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r'["\\%;]', "_", plain).strip(" .")
    ascii_part = f'; filename="{plain}"' if plain else ""
    return f"{way}{ascii_part}; filename*=UTF-8''{quote(name, safe='')}"
