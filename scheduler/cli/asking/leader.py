"""Asking the leader itself: its `/status.json`, by whatever way leads there, and what its log says of a run.

In a pod that is the pod network, on the leader's own machine its loopback address; from anywhere else it is the API
server, which passes a request on to a pod for whoever may `get` `pods/proxy`. Each way ends at its deadline, and each
error is a `StoreError` whose message says in a sentence why there is no answer.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import threading
from concurrent.futures import Future
from contextlib import closing
from typing import Any
from urllib.parse import quote

from scheduler.cli.asking.place import ASKED_FOR_S, Standpoint
from scheduler.cluster.resource import Resource
from scheduler.core.errors import StoreError, Unavailable
from scheduler.core.notes.tables import ADDRESS
from scheduler.core.ports import LeaseRecord

PATH = "/status.json"
LARGEST = 16 << 20  # bytes; ten thousand jobs take a third of it
NO_PAGE = "it tells nothing (health.page: false)"
FORBIDDEN = "403: may not get"
LONGEST_LOG = 1 << 20
LONGEST_REPLICA = 253

JsonObject = dict[str, Any]


def leaders_status(stand: Standpoint, record: LeaseRecord) -> JsonObject:
    """What the holder of the Lease says of itself; raises `StoreError` where it cannot be asked."""
    address = record.notes.get(ADDRESS, "")
    host, _, port = address.rpartition(":")
    if not (host and port.isdigit()):
        raise Unavailable("it has no health server (health.port: 0)")
    if stand.in_pod or not stand.in_cluster or _is_loopback(host):
        body = fetched(host.strip("[]"), int(port), PATH, ASKED_FOR_S)
    else:
        body = _proxied(stand, record.holder, int(port))
    return _understood(body, record.holder)


def fetched(host: str, port: int, path: str, timeout_s: float) -> bytes:
    """The body of a GET, within so many seconds whatever the other side does."""
    outcome: Future[bytes] = Future()

    def run() -> None:
        try:
            outcome.set_result(_got(host, port, path, timeout_s))
        except Exception as error:  # noqa: BLE001 - it is handed to the thread that waits for it
            outcome.set_exception(error)

    threading.Thread(target=run, name="ask", daemon=True).start()
    try:
        return outcome.result(timeout_s)
    except StoreError:
        raise
    except TimeoutError as error:
        raise Unavailable(f"{host}:{port} did not answer in {timeout_s:g} s") from error
    except ConnectionRefusedError as error:
        raise Unavailable(f"{host}:{port} refused the connection") from error
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{host}:{port} gave no answer ({type(error).__name__})") from error


def _got(host: str, port: int, path: str, timeout_s: float) -> bytes:
    with closing(http.client.HTTPConnection(host, port, timeout=timeout_s)) as connection:
        connection.request("GET", path)
        reply = connection.getresponse()
        body = reply.read(LARGEST)
    if reply.status == http.HTTPStatus.NOT_FOUND:
        raise Unavailable(NO_PAGE)
    if reply.status != http.HTTPStatus.OK:
        raise Unavailable(f"{host}:{port} answered {reply.status}")
    return body


def _proxied(stand: Standpoint, pod: str, port: int) -> bytes:
    api = stand.api()
    try:
        return api.below(_pod(stand, f"{pod}:{port}"), f"/proxy{PATH}", ASKED_FOR_S)
    except StoreError as error:
        if str(error).startswith(FORBIDDEN):
            message = f"this account may not get pods/proxy in namespace {stand.namespace} (403)"
            raise Unavailable(message) from error
        if str(error).startswith("404: "):
            raise Unavailable(NO_PAGE) from error
        raise
    finally:
        api.close()


def output_of(stand: Standpoint, pod: str, run: str, since_s: int) -> list[str] | None:
    """What the run wrote, out of the pod's log as the API server has it; None where that cannot be asked."""
    if not stand.in_cluster or stand.in_pod:
        return None
    api = stand.api()
    try:
        query = f"/log?sinceSeconds={since_s}&limitBytes={LONGEST_LOG}"
        log = api.below(_pod(stand, pod), query, ASKED_FOR_S)
    except StoreError:
        return None
    finally:
        api.close()
    lines = (_output(line, run) for line in log.decode(errors="replace").splitlines())
    return [line for line in lines if line is not None]


def _output(line: str, run: str) -> str | None:
    """What a line of the log, text or JSON, shows of what the run wrote."""
    if line.startswith("{"):
        try:
            said = json.loads(line)
        except ValueError:
            return None
        is_ours = isinstance(said, dict) and (said.get("event"), said.get("run")) == ("run.output", run)
        return str(said.get("text")) if is_ours else None
    head, found, text = line.partition(f" {run} ")
    return text if found and " run.output " in f"{head} " else None


def _pod(stand: Standpoint, name: str) -> Resource:
    return Resource("v1", "Pod", "pods", stand.namespace, quote(name, safe=":"))


def _understood(body: bytes, holder: str) -> JsonObject:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not (isinstance(said, dict) and isinstance(said.get("jobs"), list)):
        raise Unavailable("what answers there is no leasebeat")
    if said.get("replica", holder) != holder:
        raise Unavailable(f"what answers there is another replica, {str(said['replica'])[:LONGEST_REPLICA]}")
    if not said.get("complete"):
        raise Unavailable("it does not lead any more")
    return said


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
