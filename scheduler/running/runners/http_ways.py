"""The ways by which HTTP requests leave a worker: kept connections, TLS, proxies.

A kept connection that the server is about to close would swallow a request, and nobody could say whether it was done.
So one is used again only while the server has promised to keep it (`Keep-Alive: timeout`), or for a second; that is
enough for many jobs of one instant, and a job that ticks more rarely does not feel a handshake. Nothing is ever sent
twice.

The environment decides as for most programs: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` (which may hold
networks such as 10.0.0.0/8), and for TLS `REQUESTS_CA_BUNDLE`, else `CURL_CA_BUNDLE`, else `SSL_CERT_FILE` and
`SSL_CERT_DIR`, else the CAs of the system. There is no netrc, and no cookie is kept.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import unquote
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import urllib3
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import LocationValueError
from urllib3.util import Url, make_headers, parse_url

from scheduler.running.runners.call import RunFailure
from scheduler.running.runners.waiting import Progress
from scheduler.running.supervisor.times import boot_now

_KEPT_S = 1.0  # servers that promise nothing close after 2 s at the earliest, as far as we know of any
_KEPT_AT_MOST_S = 60.0
_SAFELY_S = 1.0  # what a promised time is cut by: the server counts from when it sent its answer
_PROMISE = re.compile(r"timeout\s*=\s*(\d{1,6})", re.IGNORECASE)
_ALIVE = ("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4)  # or a NAT forgets who waits for minutes
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # they come before what OpenSSL itself looks at
_HOSTS = 16  # to how many places a worker keeps connections

progress = Progress()
"""Of the one request that this worker is at."""


class Kept(HTTPConnection):
    """A connection that knows until when it may be used again, and says what it waits for.

    `wire` is what the last answer comes through, also if the server is to close it and the connection has let go of it.
    """

    debuglevel = 0  # the user's code may have set that of all connections, and then headers would be printed
    kept_until = 0.0
    wire: socket.socket | None = None

    @property
    def is_connected(self) -> bool:
        """Whether it may be used again; the pool makes a new connection otherwise."""
        return boot_now() < self.kept_until and super().is_connected

    def keep(self, promise: str | None) -> None:
        """The answer was read to its end; `promise` is its header Keep-Alive."""
        found = _PROMISE.search(promise or "")
        lasts = min(float(found[1]) - _SAFELY_S, _KEPT_AT_MOST_S) if found else _KEPT_S
        self.kept_until = boot_now() + lasts

    @property
    def place(self) -> str:
        """Whom it leads to, and by which proxy."""
        here = f"{self.host}:{self.port}"
        if self.proxy_is_tunneling:
            return f"{self._tunnel_host}:{self._tunnel_port} by the proxy {here}"
        return f"the proxy {here}" if self.proxy else here

    def connect(self) -> None:
        """Look the name up, connect, and shake hands."""
        progress.doing = f"connecting to {self.place}"
        super().connect()
        progress.doing = f"sending to {self.place}"

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as in urllib3
        """The answer's status and headers; all is sent by now."""
        progress.doing = f"waiting for an answer from {self.place}"
        self.wire = self.sock
        return super().getresponse()


class _KeptTls(Kept, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = Kept


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _KeptTls


class Ways:
    """The connections of this worker, by what they are made of: the proxy and TLS; made when first needed."""

    def __init__(self) -> None:
        self._managers: dict[tuple[Url | None, bool], urllib3.PoolManager] = {}

    def to(self, url: Url) -> urllib3.PoolManager:
        """Whoever has connections to this place; RunFailure when its proxy or the CAs cannot be used."""
        proxy = _proxy_for(url)
        way = (proxy, "https" in (url.scheme, proxy.scheme if proxy else None))
        if way not in self._managers:
            self._managers[way] = manager = _manager(proxy, _tls() if way[1] else None)
            manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return self._managers[way]

    def forget(self) -> None:
        """Begin anew with the next request, as with CAs that have changed meanwhile."""
        for manager in self._managers.values():
            manager.clear()
        self._managers.clear()


def _manager(proxy: Url | None, tls: ssl.SSLContext | None) -> urllib3.PoolManager:
    if not proxy:
        return urllib3.PoolManager(_HOSTS, ssl_context=tls, socket_options=_socket_options())
    headers = make_headers(proxy_basic_auth=unquote(proxy.auth)) if proxy.auth else None
    plain = Url(proxy.scheme, None, proxy.host, proxy.port).url
    return urllib3.ProxyManager(
        plain,
        _HOSTS,
        proxy_headers=headers,
        ssl_context=tls,
        proxy_ssl_context=tls,
        socket_options=_socket_options(),
    )


def _socket_options() -> list[tuple[int, int, int]]:
    alive = [(socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in _ALIVE if hasattr(socket, name)]
    return [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *alive]


def variable_of_cas() -> str:
    """The variable of the environment that says, or could say, which CAs are trusted."""
    return next((name for name in _BUNDLES if os.environ.get(name)), "SSL_CERT_FILE")


def _tls() -> ssl.SSLContext:
    variable = variable_of_cas()
    bundle = os.environ[variable] if variable in _BUNDLES else None
    try:
        if bundle and Path(bundle).is_dir():
            return ssl.create_default_context(capath=bundle)
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:
        raise RunFailure("rejected", f"{bundle}: no CAs could be read: {error.strerror or error}") from None


def _proxy_for(url: Url) -> Url | None:
    """The proxy that the environment names for this URL, None for none; RunFailure when it cannot be used."""
    proxies, host = getproxies_environment(), url.host or ""
    if proxy_bypass_environment(f"{host}:{url.port}" if url.port else host, proxies) or _in_networks(host, proxies):
        return None
    named = proxies.get(url.scheme or "") or proxies.get("all")
    if not named:
        return None
    try:
        proxy = parse_url(named if "://" in named else f"http://{named}")
    except LocationValueError:  # which quotes it, password and all
        words = f"the proxy of {url.scheme}:// that the environment names cannot be read as a URL"
        raise RunFailure("rejected", words) from None
    if proxy.scheme not in ("http", "https"):
        place = f"{proxy.scheme}://{proxy.host}:{proxy.port}"
        words = f"the proxy of {url.scheme}:// that the environment names: expected http:// or https://, got {place}"
        raise RunFailure("rejected", words)
    return proxy


def _in_networks(host: str, proxies: dict[str, str]) -> bool:
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    return any(address in network for network in _networks(proxies.get("no", "")))


def _networks(text: str) -> Iterator[IPv4Network | IPv6Network]:
    for entry in text.split(","):
        with suppress(ValueError):  # a name
            yield ip_network(entry.strip(), strict=False)
