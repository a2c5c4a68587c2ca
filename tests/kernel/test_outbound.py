"""No request of others' making goes inside."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.fakes.loopback import served
from tests.fakes.webhook_receiver import WebhookReceiver

from tertulia.kernel import outbound
from tertulia.kernel.errors import InvalidRequestError, StartError
from tertulia.kernel.outbound import (
    Address,
    OutboundGuard,
    OutboundRefusedError,
    UnknownHostError,
    guarded_client,
    is_internal,
    parse_url,
)

pytestmark = pytest.mark.unit

INTERNAL = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1",
    "239.1.1.1", "240.0.0.1", "255.255.255.255", "168.63.129.16", "192.0.2.1", "203.0.113.9",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:c0a8:101::1", "fe80::1", "fec0::1",
    "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1", "2001:db8::1", "2001::1",
]  # fmt: skip
OUTSIDE = ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("text", INTERNAL)
def test_internal_addresses_are_known(text: str) -> None:
    assert is_internal(ip_address(text))


@pytest.mark.parametrize("text", OUTSIDE)
def test_addresses_of_the_world_are_reached(text: str) -> None:
    assert not is_internal(ip_address(text))


def test_a_network_that_is_allowed_may_be_reached_and_no_other() -> None:
    guard = OutboundGuard(["10.1.0.0/16", "fd00:1::/32"])
    assert guard.may_reach(ip_address("10.1.9.9"))
    assert guard.may_reach(ip_address("::ffff:10.1.9.9"))
    assert guard.may_reach(ip_address("fd00:1::5"))
    assert not guard.may_reach(ip_address("10.2.0.1"))
    with pytest.raises(StartError, match="no network"):
        OutboundGuard(["10.1"])


@pytest.mark.parametrize(
    "url",
    [
        "", "nothing", "ftp://example.org/", "file:///etc/passwd", "http://", "http:///path", "//example.org",
        "https://name:word@example.org/", "https://name@example.org/", "http://example.org:port/",
        "http://example.org:99999/", "http://exa mple.org/", "http://example.org/\n", "gopher://example.org",
        "http://[::1", "javascript:alert(1)", "http://" + "a" * 2_000,
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/", "http://127.0.0.1:1/", "http://[::1]/", "http://2130706433/", "http://0x7f.1/",
        "http://127.1/", "http://017700000001/", "http://[::ffff:127.0.0.1]/", "http://0/",
    ],
)  # fmt: skip
async def test_other_spellings_of_this_machine_are_refused(url: str) -> None:
    with pytest.raises(InvalidRequestError):
        await OutboundGuard().check_url(url)
    async with guarded_client(OutboundGuard(), timeout_seconds=2) as client:
        with pytest.raises((OutboundRefusedError, UnknownHostError)):
            await client.get(url)


async def test_a_name_is_looked_up_once_and_what_was_looked_at_is_reached() -> None:
    """A name server that says another thing the second time is never asked a second time."""
    app = WebhookReceiver()
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[Address]:
        asked.append(host)
        return [ip_address("127.0.0.1" if len(asked) == 1 else "169.254.169.254")]

    async with served(app) as url:
        port = url.rpartition(":")[2]
        guard = OutboundGuard(["127.0.0.0/8"], resolver=rebinding)
        async with guarded_client(guard, timeout_seconds=2) as client:
            answer = await client.get(f"http://hooks.example.org:{port}/a")
    assert answer.status_code == 204
    assert asked == ["hooks.example.org"]
    assert app.received[0].headers["host"] == f"hooks.example.org:{port}"


async def test_of_several_addresses_only_outer_ones_are_tried() -> None:
    async def mixed(host: str, port: int) -> Sequence[Address]:
        return [ip_address("10.0.0.1"), ip_address("1.1.1.1"), ip_address("::1")]

    assert await OutboundGuard(resolver=mixed).addresses("a", 80) == [ip_address("1.1.1.1")]


async def test_redirects_are_not_followed() -> None:
    app = WebhookReceiver(statuses=[307])
    async with (
        served(app) as url,
        guarded_client(OutboundGuard(["127.0.0.0/8"]), timeout_seconds=2) as client,
    ):
        assert (await client.post(url)).status_code == 307
    assert len(app.received) == 1


async def test_a_name_that_is_not_known_may_come_to_be() -> None:
    async def unknown(host: str, port: int) -> Sequence[Address]:
        raise UnknownHostError

    await OutboundGuard(resolver=unknown).check_url("https://not-yet.example.org/")


async def test_a_name_server_that_does_not_answer_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def silent(host: str, port: int) -> Sequence[Address]:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(outbound, "CHECK_SECONDS", 0.01)
    guard = OutboundGuard(resolver=silent)
    await asyncio.wait_for(guard.check_url("https://hooks.example.org/"), 20)


async def test_a_connection_that_fails_is_an_error_httpx_users_know() -> None:
    async with guarded_client(OutboundGuard(["127.0.0.0/8"]), timeout_seconds=2) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("http://127.0.0.1:9/")


@asynccontextmanager
async def tls_server(
    folder: Path, name: str, seen: list[str | None]
) -> AsyncIterator[tuple[int, Path]]:
    """Answers 204 over TLS with a certificate for `name` and notes the name it is asked for."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_file = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key_file)
    context.sni_callback = lambda _socket, asked, _context: seen.append(asked)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], pem


async def test_tls_goes_by_the_name_although_the_address_is_dialled(tmp_path: Path) -> None:
    async def loopback(host: str, port: int) -> Sequence[Address]:
        return [ip_address("127.0.0.1")]

    seen: list[str | None] = []
    async with tls_server(tmp_path, "hooks.example.org", seen) as (port, pem):
        trusting = ssl.create_default_context(cafile=str(pem))
        guard = OutboundGuard(["127.0.0.0/8"], resolver=loopback)
        async with guarded_client(guard, timeout_seconds=5, ssl_context=trusting) as client:
            answer = await client.get(f"https://hooks.example.org:{port}/")
            assert answer.status_code == 204
            with pytest.raises(httpx.ConnectError):
                await client.get(f"https://another.example.org:{port}/")
    assert seen == ["hooks.example.org", "another.example.org"]
