"""A Lease API to test against: a small HTTP server of this process, with the semantics of `leases.py` and faults at
will.

    with LeaseApi() as api:
        api.meet("update", lose_reply())          # the next PUT is committed, its reply is not sent
        ...
        assert api.count("update") == 2

A fault meets the next `times` requests of its verb (get, create, update, delete, watch), or all until `heal`. Nothing
in here sleeps: what must wait, waits for an event that the test sets, or for the end of the fake.
"""

from __future__ import annotations

import io
import json
import os
import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

from tests.fakes.leases import JsonObject, Leases, Refused, expired, forbidden

PREFIX = "/apis/coordination.k8s.io/v1/namespaces/"
VERBS = {"POST": "create", "PUT": "update", "DELETE": "delete"}
LONGEST_HOLD_S = 30.0
TRICKLE_S = 0.05
CUT: JsonObject = {"type": "CUT"}


@dataclass(eq=False)
class Fault:
    """What happens to one request. `reached` is set when a request has met it.

    The commit waits for `before`, the reply for `after`. With `status` the request is refused and nothing is committed.
    """

    before: threading.Event | None = None
    after: threading.Event | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    wire: Literal["whole", "lost", "reset", "hang", "drip", "trickle", "nonsense"] = "whole"
    reached: threading.Event = field(default_factory=threading.Event)


def refuse(status: int, *, retry_after: int | None = None) -> Fault:
    """Answer with this status, as a proxy, an overloaded server or a broken one does."""
    return Fault(status=status, headers={"Retry-After": str(retry_after)} if retry_after is not None else {})


def hold_commit(until: threading.Event) -> Fault:
    """The request is held on its way in."""
    return Fault(before=until)


def hold_reply(until: threading.Event) -> Fault:
    """The request is committed at once, its reply held on the way out."""
    return Fault(after=until)


def lose_reply() -> Fault:
    """The request is committed, then the connection closes."""
    return Fault(wire="lost")


def reset() -> Fault:
    """The connection is reset before anything is committed."""
    return Fault(wire="reset")


def hang() -> Fault:
    """Nothing is committed and nothing comes back, until `heal`."""
    return Fault(wire="hang")


def drip() -> Fault:
    """The request is committed; the reply comes a byte at a time from its first header on, and takes for ever."""
    return Fault(wire="drip")


def dated(date: str) -> Fault:
    """The answer's `Date` says this; with an empty text the answer has no `Date`."""
    return Fault(headers={"Date": date})


def trickle() -> Fault:
    """The same, but the headers come at once and only the body drips."""
    return Fault(wire="trickle")


def nonsense() -> Fault:
    """The reply is a success that is not JSON, as from a captive portal."""
    return Fault(wire="nonsense")


@dataclass(frozen=True)
class Request:
    """One request as the server got it. `body` is what was sent, decoded."""

    verb: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any = None


class LeaseApi:
    """The server. `leases` is its state, to be changed behind the back of whoever is tested."""

    def __init__(self) -> None:
        self.leases = Leases()
        self.requests: list[Request] = []
        self.token: str | None = None
        self.forbidden_verbs: set[str] = set()
        self.closing = threading.Event()
        self.healed = threading.Event()
        self._faults: list[tuple[str, Fault, int | None]] = []
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.healed.set()
        self.end_watches()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()

    @property
    def connections(self) -> set[socket.socket]:
        """The connections that are open now."""
        return self._server.connections

    def count(self, verb: str) -> int:
        """How many requests of this verb came in."""
        return sum(request.verb == verb for request in self.requests)

    def meet(self, verb: str, fault: Fault, *, times: int | None = 1) -> Fault:
        """Let the fault meet the next `times` requests of this verb, or all of them; faults are met in order."""
        with self._lock:
            self._faults.append((verb, fault, times))
        return fault

    def heal(self) -> None:
        """Forget every fault and let go of what hangs."""
        with self._lock:
            self._faults.clear()
            self.healed.set()
            self.healed = threading.Event()

    def forbid(self, *verbs: str) -> None:
        """Refuse these verbs as a Role that does not grant them does."""
        self.forbidden_verbs = set(verbs)

    def end_watches(self) -> None:
        """End every watch in good order, as the server does after `timeoutSeconds`."""
        self.tell_watches(None)

    def expire_watches(self) -> None:
        """Tell every watch that its version is too old, and end it."""
        self.tell_watches({"type": "ERROR", "object": expired(1).status})
        self.end_watches()

    def cut_watches(self) -> None:
        """Close the connection of every watch in the middle of an event."""
        self.tell_watches(CUT)

    def tell_watches(self, event: object) -> None:
        """Send this event to every watch; None ends it."""
        for watch in list(self.leases.subscriptions):
            watch.events.put(event)

    def write_kubeconfig(self, path: Path, user: Mapping[str, object], namespace: str = "ops") -> Path:
        """A kubeconfig whose context `fake` leads here with these credentials."""
        context = {"cluster": "fake", "user": "fake", "namespace": namespace}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "users": [{"name": "fake", "user": dict(user)}],
            "contexts": [{"name": "fake", "context": context}],
            "current-context": "fake",
        }
        path.write_text(json.dumps(config))
        return path

    def beyond_leases(self, _request: Request) -> tuple[int, JsonObject] | None:
        """Status and reply to a request for anything but Leases; None is that there is nothing else here."""
        return None

    def fault_for(self, request: Request) -> Fault:
        """Note the request, and say what happens to it."""
        with self._lock:
            self.requests.append(request)
            for at, (verb, fault, times) in enumerate(self._faults):
                if verb == request.verb:
                    if times is not None:
                        self._faults[at : at + 1] = [(verb, fault, times - 1)] if times > 1 else []
                    return fault
        return Fault()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self, api: LeaseApi) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api
        self.connections: set[socket.socket] = set()

    def hang_up(self) -> None:
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_: object) -> None:
        """A client that went away is not worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)
        if self.server.api.closing.is_set():  # accepted in the last moment
            self.server.hang_up()

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - http.server's names

    def _handle(self) -> None:
        request = self._request()
        fault = self.server.api.fault_for(request)
        fault.reached.set()
        if fault.wire == "hang":
            self.server.api.healed.wait(LONGEST_HOLD_S)
            self._hang_up()
        elif fault.wire == "reset":
            self._hang_up()
        else:
            self._answer(request, fault)

    def _answer(self, request: Request, fault: Fault) -> None:
        self._hold(fault.before)
        code, reply = self._committed(request, fault)
        self._hold(fault.after)
        if fault.wire == "lost":
            self.close_connection = True
        elif fault.wire == "nonsense":
            self._send(200, b"<html>Please log in</html>", fault)
        elif isinstance(reply, Mapping):
            body = json.dumps(reply).encode()
            self._send(code, body, fault)
        else:
            self._stream(request, fault)

    def _committed(self, request: Request, fault: Fault) -> tuple[int, JsonObject | None]:
        """Status and reply; None stands for a watch, whose reply has no end."""
        try:
            if beyond := self.server.api.beyond_leases(request):
                return beyond
            self._admit(request, fault)
            return self._do(request)
        except Refused as refused:
            return refused.status["code"], refused.status

    def _admit(self, request: Request, fault: Fault) -> None:
        api = self.server.api
        namespace, name = _address(request)
        if api.token is not None and request.headers.get("authorization", "").lower() != f"bearer {api.token}".lower():
            raise Refused(401, "Unauthorized", "Unauthorized")
        if request.verb in api.forbidden_verbs:
            raise forbidden(request.verb, namespace, name)
        if fault.status is not None:
            raise Refused(fault.status, None, f"the fault {fault.status} was ordered")

    def _do(self, request: Request) -> tuple[int, JsonObject | None]:
        leases = self.server.api.leases
        namespace, name = _address(request)
        match request.verb:
            case "get":
                return 200, leases.get(namespace, name or "")
            case "create":
                return 201, leases.create(namespace, request.body)
            case "update":
                return leases.update(namespace, name or "", request.body)
            case "delete":
                return 200, leases.delete(namespace, name or "")
        return 200, None

    def _stream(self, request: Request, fault: Fault) -> None:
        """The watch: one chunk an event, until it is ended, cut, or its `timeoutSeconds` are over."""
        leases = self.server.api.leases
        namespace, _ = _address(request)
        name = request.query.get("fieldSelector", "").removeprefix("metadata.name=")
        version = request.query.get("resourceVersion")
        watch = leases.subscribe(namespace, name, int(version) if version else None)
        timer = threading.Timer(float(request.query.get("timeoutSeconds", "1800")), watch.events.put, (None,))
        timer.daemon = True
        timer.start()
        if self.server.api.closing.is_set():  # subscribed in the last moment
            watch.events.put(None)
        try:
            self._head(200, {"Transfer-Encoding": "chunked", **fault.headers})
            while (event := watch.events.get()) is not None and not self.server.api.closing.is_set():
                line = json.dumps(event).encode() + b"\n"
                if event is CUT:
                    self._write(b"%x\r\n" % len(line) + line[:10])
                    self.close_connection = True
                    return
                self._write(b"%x\r\n%s\r\n" % (len(line), line))
            self._write(b"0\r\n\r\n")
        finally:
            timer.cancel()
            leases.subscriptions.remove(watch)

    def _request(self) -> Request:
        parts = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        read = "watch" if query.get("watch") else "get"
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            body = json.loads(sent) if sent else None
        except ValueError:
            body = sent
        headers = {key.lower(): value for key, value in self.headers.items()}
        return Request(VERBS.get(self.command, read), self.command, parts.path, query, headers, body)

    def _send(self, code: int, body: bytes, fault: Fault) -> None:
        if fault.wire == "drip":
            self._drip()
        self._head(code, {"Content-Length": str(len(body)), **fault.headers})
        if fault.wire == "trickle":
            self._drip()
        self._write(body)

    def _head(self, code: int, headers: Mapping[str, str]) -> None:
        self.send_response_only(code)
        for key, value in {"Date": self.date_time_string(), "Content-Type": "application/json", **headers}.items():
            if value:
                self.send_header(key, value)
        self.end_headers()

    def _write(self, data: bytes) -> None:
        with suppress(OSError):
            self.wfile.write(data)

    def _drip(self) -> None:
        """Whatever is written from here on comes a byte at a time."""
        self.close_connection = True
        self.wfile = _Dripping(self.wfile, self.server.api)

    def _hold(self, until: threading.Event | None) -> None:
        if until is not None:
            until.wait(LONGEST_HOLD_S)

    def _hang_up(self) -> None:
        """Close with a reset, whoever else holds the socket."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())


class _Dripping(io.BufferedIOBase):
    """A socket's file that writes a byte at a time, until the fake is healed."""

    def __init__(self, wire: io.BufferedIOBase, api: LeaseApi) -> None:
        self._wire = wire
        self._api = api

    def write(self, data: Any, /) -> int:
        written = bytes(data)
        for byte in written:
            self._wire.write(bytes([byte]))
            if self._api.healed.wait(TRICKLE_S):
                raise ConnectionAbortedError
        return len(written)


def _address(request: Request) -> tuple[str, str | None]:
    """Namespace and name of the Lease in the path."""
    if not request.path.startswith(PREFIX):
        raise Refused(404, "NotFound", "404 page not found")
    namespace, _, name = request.path.removeprefix(PREFIX).partition("/leases")
    return namespace, name.removeprefix("/") or None
