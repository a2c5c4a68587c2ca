"""What a model wrote, made plain: nothing in it can be followed, shown or run by a page."""

import re

LONGEST = 500
LONGEST_SUMMARY = 4_000
LONGEST_BRIEF = 120

_IMAGE = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_TAG = re.compile(r"<[^>]{0,400}>")
_MARKUP = re.compile(r"(\*\*|__|`+|^#{1,6}\s+)", re.MULTILINE)
_ADDRESS = re.compile(r"\b(?:https?://|www\.|javascript:|data:)\S+", re.IGNORECASE)
_UNSEEN = re.compile("[\u0000-\u0008\u000b-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2060-\u2069]")


def plain(text: str, longest: int = LONGEST) -> str:
    """One paragraph of words: what somebody planted in a conversation must not become a link."""
    text = _IMAGE.sub(r"\1", _UNSEEN.sub("", text))
    text = _ADDRESS.sub("…", _MARKUP.sub("", _TAG.sub("", text)))
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def brief(text: str) -> str:
    return plain(text, LONGEST_BRIEF)
