"""A real browser without a window, driven by its own DevTools protocol: what it shows, says and complains of."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket

PATIENCE_S = 30.0
NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "no chromium here; install it, for example: apt-get install chromium"


class Tab:
    """One page, of a size and in light or dark, and everything that went wrong in it."""

    def __init__(self, connection: websocket.WebSocket, session: str) -> None:
        self._connection = connection
        self._session = session
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """Ask the browser one thing and wait for the answer."""
        self._number += 1
        asked = {"id": self._number, "method": method, "params": parameters}
        self._connection.send(json.dumps(asked | ({"sessionId": self._session} if self._session else {})))
        while True:
            said = json.loads(self._connection.recv())
            if said.get("id") == self._number:
                assert "error" not in said, said
                result: dict[str, Any] = said["result"]
                return result
            self.events.append(said)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def look(self, width: int, height: int = 1000, *, dark: bool = False) -> None:
        """Have a screen of this size and this preference."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.ask("Emulation.setScrollbarsHidden", hidden=True)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, url: str) -> None:
        """Load the page, and wait until it is there."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        self.events.clear()
        self.ask("Page.navigate", url=url)
        while not any(said.get("method") == "Page.loadEventFired" for said in self.events):
            self.events.append(json.loads(self._connection.recv()))

    def value(self, expression: str) -> Any:
        """What this JavaScript gives in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def complaints(self) -> list[str]:
        """Errors and warnings of the console, and requests that failed."""
        self.value("0")  # so that what was said meanwhile has arrived
        methods = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Network.loadingFailed")
        return [json.dumps(said) for said in self.events if said.get("method") in methods]

    def requests(self) -> list[str]:
        """The URLs asked for."""
        sent = [said["params"] for said in self.events if said.get("method") == "Network.requestWillBeSent"]
        return [one["request"]["url"] for one in sent]

    def tree(self) -> list[tuple[str, str]]:
        """The accessibility tree as a screen reader walks it: role and name of all that is not ignored."""
        self.ask("Accessibility.enable")
        nodes = self.ask("Accessibility.getFullAXTree")["nodes"]
        told = [node for node in nodes if not node["ignored"]]
        return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in told]

    def screenshot(self, path: Path) -> None:
        """What is on the screen, as a PNG."""
        shot = self.ask("Page.captureScreenshot")
        path.write_bytes(base64.b64decode(shot["data"]))


@contextlib.contextmanager
def chromium() -> Iterator[Tab]:
    """A browser of its own, with a profile that is thrown away."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.fail(MISSING)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--no-first-run")
        browser = subprocess.Popen(
            [program, *options, f"--user-data-dir={profile}", "about:blank"],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        try:
            tab = _tab_of(browser)
            yield tab
            tab.close()
        finally:
            os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()
            assert browser.stderr
            browser.stderr.close()


def _tab_of(browser: subprocess.Popen[str]) -> Tab:
    assert browser.stderr
    address = next(line.split()[-1] for line in browser.stderr if "DevTools listening on" in line)
    connection = websocket.create_connection(address, timeout=PATIENCE_S, suppress_origin=True)
    whole = Tab(connection, "")
    target = whole.ask("Target.createTarget", url="about:blank")["targetId"]
    session = whole.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    return Tab(connection, session)
