"""Names and types that come from people, made harmless."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia.blobs.disposition import content_disposition, media_type, safe_name

pytestmark = pytest.mark.unit

HEADER = re.compile(r"(inline|attachment)(; filename=\"[ -~]*\")?(; filename\*=UTF-8''[!-~]+)?")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("entrevista.wav", "entrevista.wav"),
        ("Запись 1.mp3", "Запись 1.mp3"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ana\\voz.wav", "voz.wav"),
        ("..", None),
        ("/", None),
        (".bashrc", "bashrc"),
        ("", None),
        (None, None),
        ("a\r\nSet-Cookie: x=1.wav", "aSet-Cookie: x=1.wav"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("a\x00b", "ab"),
        ("trailing. . ", "trailing"),
        ("\ud800x", "x"),
        ("n\u0303.wav", "ñ.wav"),
    ],
)
def test_names(name: str | None, safe: str | None) -> None:
    assert safe_name(name) == safe


def test_long_names_keep_their_extension() -> None:
    name = safe_name("ñ" * 500 + ".webm")
    assert name
    assert len(name) == 150
    assert name.endswith("ñ.webm")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.wav", "inline; filename=\"a.wav\"; filename*=UTF-8''a.wav"),
        ('a";b\\%41.wav', "inline; filename=\"%41.wav\"; filename*=UTF-8''%2541.wav"),
        ("año.wav", "inline; filename=\"ano.wav\"; filename*=UTF-8''a%C3%B1o.wav"),
        ("Голос", "inline; filename*=UTF-8''%D0%93%D0%BE%D0%BB%D0%BE%D1%81"),
        (None, "inline"),
    ],
)
def test_headers(name: str | None, header: str) -> None:
    assert content_disposition(name, "audio/wav") == header.replace('"%41', '"_41')


@given(st.text(max_size=300))
def test_no_name_can_leave_its_header(name: str) -> None:
    header = content_disposition(name, "audio/wav")
    assert HEADER.fullmatch(header)
    header.encode("ascii")
    if found := re.search(r"UTF-8''(.*)", header):
        assert unquote(found[1]) == safe_name(name)


@pytest.mark.parametrize(
    ("given_type", "kept"),
    [
        ("Audio/WAV", "audio/wav"),
        ("audio/webm;codecs=opus", "audio/webm; codecs=opus"),
        ('video/mp4; codecs="avc1.4d, mp4a"', 'video/mp4; codecs="avc1.4d, mp4a"'),
        ("audio/wav; x=1\r\nSet-Cookie: a", "audio/wav"),
        ("audio/wav\r\nX: 1", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("audio", "application/octet-stream"),
        ("a/b/c", "application/octet-stream"),
    ],
)
def test_media_types(given_type: str, kept: str) -> None:
    assert media_type(given_type) == kept


@given(st.text(max_size=100))
def test_no_type_can_leave_its_header(given_type: str) -> None:
    assert re.fullmatch(r"[ -~]+", media_type(given_type))
