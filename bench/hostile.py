"""What clients who mean no good cost a leader: thousands of hostile requests, and what they leave behind.

One replica leads on SQLite with 1,000 jobs, of which some tick every second. It is attacked for a while, left alone
for as long, and so on. What is printed is how much later its runs start under attack, and how much more memory and how
many more files it has afterwards than after as long a time of ordinary requests.

    python bench/hostile.py [--requests 10000] [--jobs 1000] [--busy 20]

The attackers need a CPU too: on a machine with few of them, part of the lateness is theirs.
"""

from __future__ import annotations

import argparse
import signal
import socket
import statistics
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

from scrapes import JOB, WARM_UP_S, Spans, lateness, lead, table

ROUNDS = 4
CONNECTIONS = 16  # that one attacker has at a time
PATHS = ("/", "/status.json", "/metrics", "/leader", "/livez")
RESET = struct.pack("ii", 1, 0)


def bad_words(path: bytes) -> bytes:
    """A method that does not work here."""
    return b"DELETE " + path + b" HTTP/1.1\r\nContent-Length: 99999\r\n\r\n"


def dots(path: bytes) -> bytes:
    """A way out of here."""
    return b"GET " + path + b"/../../../etc/passwd HTTP/1.1\r\n\r\n"


def huge(path: bytes) -> bytes:
    """A head that never ends."""
    return b"GET " + path + b" HTTP/1.1\r\nCookie: " + b"x" * 20_000


def many(path: bytes) -> bytes:
    """A hundred requests in one piece."""
    return (b"GET " + path + b" HTTP/1.1\r\n\r\n") * 100


def slow(path: bytes) -> bytes:
    """The beginning of a request, of which no more will come."""
    return b"GET " + path + b" HTTP/1.1\r\nX: "


def greedy(path: bytes) -> bytes:
    """A request whose answer is never read."""
    return b"GET " + path + b" HTTP/1.1\r\n\r\n"


def noise(_path: bytes) -> bytes:
    """TLS, to a port that has none."""
    return b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xff" * 200


KINDS: tuple[Callable[[bytes], bytes], ...] = (bad_words, dots, huge, many, slow, greedy, noise)


class Attacker:
    """Sends one hostile request after another while `on` is set, and keeps its last few connections open."""

    def __init__(self, port: int, most: int) -> None:
        self.on = threading.Event()
        self.sent = 0
        self._port = port
        self._most = most
        self._open: list[socket.socket] = []
        threading.Thread(target=self._attack, daemon=True).start()

    def _attack(self) -> None:
        requests = cycle([kind(path.encode()) for path in PATHS for kind in KINDS])
        while self.sent < self._most:
            self.on.wait()
            self._send(next(requests))

    def _send(self, request: bytes) -> None:
        try:
            client = socket.create_connection(("127.0.0.1", self._port), timeout=5)
            self._open.append(client)
            client.sendall(request)
        except OSError:  # dropped by the server in the middle, as it should
            pass
        self.sent += 1
        if len(self._open) > CONNECTIONS:
            oldest = self._open.pop(0)
            oldest.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            oldest.close()

    def hang_up(self) -> None:
        """Let go of every connection."""
        for client in self._open:
            client.close()
        self._open.clear()


def traces(pid: int) -> tuple[float, int]:
    """The resident memory of a process in MB, and its open files."""
    (resident,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(resident.split()[1]) / 1024, len(list(Path(f"/proc/{pid}/fd").iterdir()))


def ask_kindly(port: int) -> None:
    """Have every answer made a few times, so that what is needed for it is in memory."""
    for _ in range(3):
        for path in PATHS:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                client.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
                while client.recv(65536):
                    pass
        time.sleep(1.1)


def attack(attacker: Attacker, most: int) -> tuple[Spans, Spans]:
    """The spans of wall time under attack, and those without."""
    attacked, alone = [], []
    for number in range(1, ROUNDS + 1):
        begin = time.time()
        attacker.on.set()
        while attacker.sent < most * number / ROUNDS:
            time.sleep(0.05)
        attacker.on.clear()
        attacked.append((begin, time.time()))
        time.sleep(max(4.0, time.time() - begin))
        alone.append((attacked[-1][1] + 0.5, time.time()))
    return attacked, alone


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--busy", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.yaml").write_text(table(arguments.jobs, arguments.busy))
        (folder / "late.py").write_text(JOB)
        process, port = lead(folder)
        try:
            time.sleep(WARM_UP_S)
            ask_kindly(port)
            before = traces(process.pid)
            attacker = Attacker(port, arguments.requests)
            attacked, alone = attack(attacker, arguments.requests)
            attacker.hang_up()
            ask_kindly(port)
            after = traces(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
        took_s = sum(end - begin for begin, end in attacked)
        print(f"{attacker.sent} hostile requests in {took_s:.0f} s")
        for what, spans in (("left alone", alone), ("attacked", attacked)):
            late = lateness(folder / "late.txt", spans)
            p99 = late[min(len(late) - 1, int(0.99 * len(late)))]
            print(f"late, {what:<10}  median {statistics.median(late):6.1f} ms  p99 {p99:6.1f} ms  of {len(late)}")
        print(f"memory {before[0]:.1f} MB before, {after[0]:.1f} MB after; open files {before[1]} and {after[1]}")


if __name__ == "__main__":
    main()
