"""The API server as one account sees it: plain dicts, and a deadline for each request.

Requests go through the official client's connection pool and credentials, but not through its typed layer, which writes
times in a form that a Lease refuses. Nothing is repeated here: urllib3's retries, redirects and obedience to
`Retry-After` are off, because a PUT that urllib3 repeats by itself collides with its own first copy, and because only
the caller knows whether it still may write. Every error is a `StoreError`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Mapping
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import NamedTuple, Protocol
from urllib.parse import urlencode

from kubernetes.client import ApiClient
from urllib3 import BaseHTTPResponse, Timeout

from scheduler import __version__
from scheduler.cluster.access import Access
from scheduler.cluster.answers import JsonObject, Reply, date_of, failure, refusal, refusal_of_status
from scheduler.cluster.exchange import Exchanges, pieces
from scheduler.cluster.resource import Resource
from scheduler.cluster.watch import End, Event, WatchReader
from scheduler.core.errors import Absent, StoreError, Unavailable

SUCCESSES = range(200, 300)
READING = {"get": "GET", "list": "GET", "watch": "GET"}
METHODS = READING | {"create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE"}
MERGE = {"Content-Type": "application/merge-patch+json"}
PAGE = 500  # objects in one reply to a list
WATCH_FOR_S = 300
LOOK_UP_S = 0.1
KEPT_CONNECTIONS = 1100  # the requests and watches of as many Jobs as `max_parallel` allows; none is made ahead


class _Call(NamedTuple):
    """One request: the verb as RBAC names it, the object it is about, and what it carries."""

    verb: str
    resource: Resource
    query: str = ""
    body: JsonObject | None = None

    @property
    def target(self) -> str:
        of_collection = self.verb in ("create", "list", "watch")
        return (self.resource.collection if of_collection else self.resource.path) + self.query


class Stop(Protocol):
    """What a watch looks at from time to time; a `threading.Event` is one."""

    def is_set(self) -> bool:
        """Whether it is to end."""


class ApiServer:
    """One API server. Any number of threads may use it; connections are made when first needed and kept.

    The credentials are loaded again after a 401, so that a new token, certificate or kubeconfig is taken up.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._exchanges = Exchanges()
        self._client: ApiClient | None = None
        self._client_lock = threading.Lock()
        self._closed = threading.Event()
        self._server_time: datetime | None = None

    @property
    def server_time(self) -> datetime | None:
        """The server's clock as its last answer told it, a refusal or the start of a watch too; None before the first.

        An answer without a `Date` that can be read changes nothing, nor does one that came after its deadline: a clock
        that was read so long ago is no clock.
        """
        return self._server_time

    def get(self, resource: Resource, timeout_s: float) -> JsonObject | None:
        """The object as the server's store has it now, not as a cache remembers it; None when there is none."""
        try:
            return self._ask(_Call("get", resource), timeout_s)
        except Absent:
            return None

    def text(self, resource: Resource, query: Mapping[str, str], timeout_s: float) -> str:
        """What is text and no object, such as a part of a pod; `Absent` when there is none."""
        reply = self._reply(_Call("get", resource, "?" + urlencode(query)), timeout_s)
        return reply.body.decode(errors="replace")

    def below(self, resource: Resource, path: str, timeout_s: float) -> bytes:
        """What is found at this path below the object, as it is: what a pod's own server answers, say."""
        return self._reply(_Call("get", resource, path), timeout_s).body

    def listed(self, resource: Resource, timeout_s: float, labels: Mapping[str, str] | None = None) -> list[JsonObject]:
        """All objects of this kind in the namespace, page after page, or those with these labels.

        The name in `resource` does not matter.
        """
        found: list[JsonObject] = []
        query = {"limit": str(PAGE)}
        if labels:
            query["labelSelector"] = ",".join(f"{key}={value}" for key, value in labels.items())
        while True:
            page = self._ask(_Call("list", resource, "?" + urlencode(query)), timeout_s)
            found.extend(page.get("items") or [])
            following = (page.get("metadata") or {}).get("continue")
            if not following:
                return found
            query["continue"] = following

    def create(self, resource: Resource, body: JsonObject, timeout_s: float) -> JsonObject:
        """Make the object; `Conflict` when there is one of that name."""
        return self._ask(_Call("create", resource, body=body), timeout_s)

    def update(self, resource: Resource, body: JsonObject, timeout_s: float) -> JsonObject:
        """Replace the whole object over the uid and resourceVersion in `body`; `Conflict` when it has others."""
        return self._ask(_Call("update", resource, body=body), timeout_s)

    def patch(self, resource: Resource, changes: JsonObject, timeout_s: float) -> JsonObject:
        """Change these fields of the object, whatever its version (RFC 7386); `Absent` when there is none."""
        return self._ask(_Call("patch", resource, body=changes), timeout_s)

    def delete(self, resource: Resource, uid: str | None, timeout_s: float) -> bool:
        """Have the object deleted, and all it owns before it; False when there is none.

        With a `uid`, `Conflict` when another object has the name by now. It is there until all that it owns is gone.
        """
        only = {"preconditions": {"uid": uid}} if uid else {}
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground", **only}
        try:
            self._reply(_Call("delete", resource, body=options), timeout_s)
        except Absent:
            return False
        return True

    def watch(
        self, resource: Resource, since: str | None, silence_s: float, stop: Stop, look_up_s: float = LOOK_UP_S
    ) -> Generator[Event]:
        """What happens to the object after version `since`, or from its state of now on when that is None.

        Ends when `stop` is set, which is looked at each `look_up_s`, or the way is closed, when the server ends the
        watch, when it no longer knows `since` (410), and after `silence_s` without a word. Then read the object again:
        only that tells what was missed, and whether the server is there at all.
        """
        reader = WatchReader(partial(self._open_watch, _watch_call(resource, since), silence_s))
        reader.start()
        try:
            while not (stop.is_set() or self._closed.is_set()):
                event = reader.take(look_up_s)
                if event is None:
                    continue
                if isinstance(event, End) or _has_expired(event):
                    return
                if event.kind == "ERROR":
                    raise refusal_of_status("watch", resource, event.object)
                yield event
        except StoreError:
            raise
        except Exception as error:
            raise failure(error, silence_s, self._access.label) from error
        finally:
            reader.end()

    def close(self) -> None:
        """Give the connections back and end the watches; every later request fails."""
        self._closed.set()
        if self._client_lock.acquire(blocking=False):  # else a credential plugin hangs, and nothing is connected
            self._client_lock.release()
            self._forget_client()

    def _ask(self, call: _Call, timeout_s: float) -> JsonObject:
        return self._reply(call, timeout_s).json()

    def _reply(self, call: _Call, timeout_s: float) -> Reply:
        try:
            reply = self._exchanges.within(timeout_s, partial(self._exchange, call, timeout_s))
        except StoreError:
            raise
        except Exception as error:
            raise failure(error, timeout_s, self._access.label) from error
        if reply.status not in SUCCESSES:
            raise self._refused(call, reply)
        return reply

    def _exchange(self, call: _Call, timeout_s: float, given_up: threading.Event) -> Reply:
        return _whole(self._send(call, timeout_s, given_up), given_up)

    def _open_watch(self, call: _Call, silence_s: float, given_up: threading.Event) -> BaseHTTPResponse | None:
        """The reply to read events from; None when the server no longer knows the version to start from."""
        response = self._send(call, silence_s, given_up)
        if response.status in SUCCESSES:
            return response
        reply = _whole(response, given_up)
        if reply.status == HTTPStatus.GONE:
            return None
        raise self._refused(call, reply)

    def _refused(self, call: _Call, reply: Reply) -> StoreError:
        if reply.status == HTTPStatus.UNAUTHORIZED:
            self._forget_client()
        return refusal(call.verb, call.resource, reply)

    def _send(self, call: _Call, timeout_s: float, given_up: threading.Event) -> BaseHTTPResponse:
        client, headers = self._credentials()
        if self._closed.is_set() or given_up.is_set():
            raise Unavailable("given up before it was sent")
        response: BaseHTTPResponse = client.rest_client.pool_manager.request(
            METHODS[call.verb],
            client.configuration.host + call.target,
            headers=headers | (MERGE if call.verb == "patch" else {}),
            body=None if call.body is None else json.dumps(call.body, separators=(",", ":")).encode(),
            timeout=Timeout(connect=timeout_s, read=timeout_s),
            retries=False,  # redirects are not followed either then
            preload_content=False,
        )
        if not given_up.is_set():
            self._server_time = date_of(response.headers) or self._server_time
        return response

    def _credentials(self) -> tuple[ApiClient, dict[str, str]]:
        """The client, made when first needed, and the headers of a request; its refresh hook runs in here."""
        with self._client_lock:
            if self._client is None:
                configuration = self._access.load()
                configuration.connection_pool_maxsize = KEPT_CONNECTIONS
                self._client = ApiClient(configuration)
            settings = self._client.configuration.auth_settings().values()
            headers = {"Accept": "application/json", "User-Agent": f"leasebeat/{__version__}"}
            headers |= {setting["key"]: _clean(setting["value"]) for setting in settings if setting["value"]}
            return self._client, headers | {"Content-Type": "application/json"}

    def _forget_client(self) -> None:
        with self._client_lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()


def _watch_call(resource: Resource, since: str | None) -> _Call:
    """A watch of the one object: without the field selector an account that may watch only this name is refused."""
    query = {
        "watch": "1",
        "fieldSelector": f"metadata.name={resource.name}",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": str(WATCH_FOR_S),
        **({"resourceVersion": since} if since else {}),
    }
    return _Call("watch", resource, "?" + urlencode(query))


def _has_expired(event: Event) -> bool:
    return event.kind == "ERROR" and event.object.get("code") == HTTPStatus.GONE


def _whole(response: BaseHTTPResponse, given_up: threading.Event) -> Reply:
    return Reply(response.status, response.headers, b"".join(pieces(response, given_up)))


def _clean(credential: str) -> str:
    """The credential as a header may carry it. Were it refused further down, the error would quote it."""
    credential = credential.strip()
    if not (credential.isascii() and credential.isprintable()):
        raise Unavailable("the token has characters that no header can carry")
    return credential
