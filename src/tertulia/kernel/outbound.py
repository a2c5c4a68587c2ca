"""Requests to addresses that people give: only to the outside, and only to the address that was looked at."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from socket import AF_UNSPEC, SOCK_STREAM, gaierror, getaddrinfo
from typing import Any, cast
from urllib.parse import urlsplit

import httpcore
import httpx

from tertulia.kernel.errors import InvalidRequestError, StartError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Awaitable[Sequence[Address]]]

MAX_URL_LENGTH = 2_000
RESOLVE_SECONDS = 5.0
CHECK_SECONDS = 2.0
"""How long whoever gives an address waits for its name to be known; sending looks again."""
RESOLVERS = ThreadPoolExecutor(8, thread_name_prefix="resolve")
"""Threads of their own: a resolver that is out of reach holds each for long, and hashing must not wait behind it."""
MAX_CONNECTIONS = 32

NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
INSIDE_CLOUDS = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))
"""They look public, yet answer only to machines inside (Azure's host, Oracle's metadata)."""


class OutboundRefusedError(InvalidRequestError):
    """The address leads inside, where requests of others' making do not go."""

    code = "address_refused"
    title = "Requests are not made to this address"


class UnknownHostError(InvalidRequestError):
    """The name in an address leads nowhere."""

    code = "host_unknown"
    title = "There is no host of this name"


def is_internal(address: Address) -> bool:
    """Whether an address belongs to a machine, a network or a cloud's inside rather than to the world."""
    if isinstance(address, IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_internal(inner)
        if address.is_site_local:
            return True
    return (
        not address.is_global
        or address.is_multicast
        or address.is_reserved
        or any(address in network for network in INSIDE_CLOUDS)
    )


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for: mapped, 6to4, or reached through NAT64."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if any(address in network for network in NAT64) or int(address) >> 32 == 0:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Every address the machine's own resolver knows for a name; also for the odd spellings of numbers."""
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            found = await asyncio.get_running_loop().run_in_executor(
                RESOLVERS, partial(getaddrinfo, host, port, AF_UNSPEC, SOCK_STREAM)
            )
    except (gaierror, UnicodeError, TimeoutError):
        raise UnknownHostError(
            "The name in the address is not known. Look whether it is spelt right."
        ) from None
    return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


class OutboundGuard:
    """Decides which addresses may be reached."""

    def __init__(
        self, allowed_networks: Iterable[str] = (), *, resolver: Resolver = resolve
    ) -> None:
        self._allowed = [_network(text) for text in allowed_networks]
        self._resolve = resolver

    def may_reach(self, address: Address) -> bool:
        inner = _embedded(address) if isinstance(address, IPv6Address) else None
        candidates = [address] if inner is None else [address, inner]
        if any(one in network for one in candidates for network in self._allowed):
            return True
        return not is_internal(address)

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        """Those of the host's addresses that may be reached; refuses when none may."""
        reachable = [one for one in await self._resolve(host, port) if self.may_reach(one)]
        if not reachable:
            raise OutboundRefusedError(
                "This address leads into an internal network. Give one that the world can reach, "
                "or have the server's owner add the network to TERTULIA_WEBHOOK_ALLOWED_NETWORKS."
            )
        return reachable

    async def check_url(self, url: str) -> None:
        """Refuses an address that could never be used; a name that is not known yet may come to be."""
        host, port = parse_url(url)
        with suppress(UnknownHostError, TimeoutError):
            async with asyncio.timeout(CHECK_SECONDS):
                await self.addresses(host, port)


def parse_url(url: str) -> tuple[str, int]:
    """Host and port of an http or https address that carries no name and password."""
    refusal = "Give an address like https://example.org/hook."
    if len(url) > MAX_URL_LENGTH or any(c.isspace() or not c.isprintable() for c in url):
        raise InvalidRequestError(f"This is no address. {refusal}")
    try:
        parts = urlsplit(url)
        port = parts.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise InvalidRequestError(f"This is no address. {refusal}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidRequestError(f"Only http and https addresses can be used. {refusal}")
    if parts.username is not None or parts.password is not None:
        raise InvalidRequestError(
            "The address holds a name or password. Leave it out; requests are signed instead."
        )
    return parts.hostname, port or (443 if parts.scheme == "https" else 80)


def _network(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise StartError(
            f"{text} in TERTULIA_WEBHOOK_ALLOWED_NETWORKS is no network. Write one like 10.1.0.0/16."
        ) from None


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Looks a name up once and connects to exactly what it looked at; Host and SNI keep the name."""

    def __init__(self, guard: OutboundGuard) -> None:
        self._guard = guard
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception | None = None
        for address in await self._guard.addresses(host, port):
            try:
                return await self._backend.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise OutboundRefusedError("A socket on this machine is not an address of the world.")

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


class _Body(httpx.AsyncByteStream):
    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _httpx_errors():
            async for part in self._stream:
                yield part

    async def aclose(self) -> None:
        await cast(Any, self._stream).aclose()


class GuardedTransport(httpx.AsyncBaseTransport):
    """What `httpx` sends guarded requests through."""

    def __init__(self, guard: OutboundGuard, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context or httpx.create_ssl_context(),
            network_backend=GuardedBackend(guard),
            max_connections=MAX_CONNECTIONS,
            keepalive_expiry=10.0,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        with _httpx_errors():
            response = await self._pool.handle_async_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(cast(AsyncIterator[bytes], response.stream)),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


def guarded_client(
    guard: OutboundGuard,
    *,
    timeout_seconds: float = 15.0,
    ssl_context: ssl.SSLContext | None = None,
) -> httpx.AsyncClient:
    """A client for addresses that people give: guarded, without redirects and without the machine's proxies."""
    return httpx.AsyncClient(
        transport=GuardedTransport(guard, ssl_context=ssl_context),
        timeout=timeout_seconds,
        follow_redirects=False,
        trust_env=False,
    )


@contextmanager
def _httpx_errors() -> Iterator[None]:
    try:
        yield
    except httpcore.TimeoutException as error:
        raise httpx.ReadTimeout(str(error)) from error
    except httpcore.ConnectError as error:
        raise httpx.ConnectError(str(error)) from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise httpx.TransportError(str(error)) from error
