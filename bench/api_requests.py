"""How many requests replicas make of the API server while nothing is to be done: three of them, then with two more.

    python bench/api_requests.py --kubeconfig FILE [-n NAMESPACE] [--minutes 5]

The replicas reach the API server through a proxy in this process, which counts. Default timings; no job is ever due.
The aim is 15 a minute for three, and no more with further standbys but their watches, each begun anew every 5 minutes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from kubernetes.client import ApiClient

from scheduler.cluster.access import kubeconfig_access

CONFIG = "jobs: {never: {cron: '0 0 29 2 *', shell: 'true'}}\n"
SETTLING_S = 10
CHUNK_BYTES = 65_536


class Counting(BaseHTTPRequestHandler):
    """Passes requests on with the kubeconfig's credentials, watches as a stream."""

    protocol_version = "HTTP/1.1"
    upstream: ApiClient
    seen: ClassVar[Counter[str]] = Counter()

    def do_GET(self) -> None:
        """A read or a watch."""
        self._pass_on("WATCH" if "watch=1" in self.path else "GET")

    def do_PUT(self) -> None:
        """A write over a version."""
        self._pass_on("PUT")

    def do_POST(self) -> None:
        """A new Lease."""
        self._pass_on("POST")

    def log_message(self, *_: object) -> None:
        """Only the count is of interest."""

    def _pass_on(self, verb: str) -> None:
        self.seen[verb] += 1
        settings = self.upstream.configuration.auth_settings().values()
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        headers |= {setting["key"]: setting["value"] for setting in settings}
        length = int(self.headers.get("Content-Length") or 0)
        answer = self.upstream.rest_client.pool_manager.request(
            self.command,
            self.upstream.configuration.host + self.path,
            body=self.rfile.read(length) if length else None,
            headers=headers,
            preload_content=False,
            retries=False,
        )
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        for chunk in answer.stream(CHUNK_BYTES, decode_content=True) if verb != "WATCH" else answer.read_chunked():
            self.wfile.write(chunk)
            self.wfile.flush()
        self.close_connection = True


def start(name: str, config: Path, place: list[str]) -> subprocess.Popen[bytes]:
    """Start a replica."""
    command = [sys.executable, "-m", "scheduler", "run", "-c", str(config), "--id", name, *place]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603  # this very program


def count(what: str, minutes: float) -> None:
    """Count for so many minutes and print."""
    time.sleep(SETTLING_S)
    before, began = Counter(Counting.seen), time.monotonic()
    time.sleep(60 * minutes)
    took = (time.monotonic() - began) / 60
    verbs = Counting.seen - before
    each = ", ".join(f"{verb} {number / took:.1f}" for verb, number in sorted(verbs.items()))
    print(f"{what:<16} {verbs.total() / took:5.1f} requests a minute: {each}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("-n", "--namespace", default="default")
    parser.add_argument("--minutes", type=float, default=5)
    arguments = parser.parse_args()
    Counting.upstream = ApiClient(kubeconfig_access(arguments.kubeconfig, None).load())
    Counting.upstream.rest_client.pool_manager.connection_pool_kw["maxsize"] = 32
    server = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.yaml").write_text(CONFIG)
        (folder / "kubeconfig").write_text(json.dumps(_kubeconfig(server.server_port)))
        place = ["--kubeconfig", f"{name}/kubeconfig", "-n", arguments.namespace, "--lease", f"bench-{time.time_ns()}"]
        replicas = [start(f"r{number}", folder / "config.yaml", place) for number in range(3)]
        try:
            count("three replicas", arguments.minutes)
            replicas += [start(f"r{number}", folder / "config.yaml", place) for number in (3, 4)]
            count("five replicas", arguments.minutes)
        finally:
            for replica in replicas:
                replica.terminate()
            for replica in replicas:
                replica.wait()


def _kubeconfig(port: int) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "counted", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "contexts": [{"name": "counted", "context": {"cluster": "counted", "user": ""}}],
        "current-context": "counted",
    }


if __name__ == "__main__":
    main()
