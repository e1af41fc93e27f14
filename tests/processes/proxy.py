"""A TCP proxy on loopback that can be paused and cut: an API server that hangs or is down, where none is ours to stop.

It forwards bytes, so TLS goes through it untouched. With a `Link` it is a bad line, which is slow, stalls and breaks.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Link:
    """How good the line is, in each direction: the delay of every piece, and the chances that one stalls or breaks it.

    What is behind a stalled piece waits for it, as TCP has it.
    """

    delay_s: float = 0.0
    stalls: float = 0.0
    stall_s: float = 0.0
    resets: float = 0.0


GOOD = Link()


class Proxy:
    """Forwards 127.0.0.1:`port` to a server; used as a context manager. The line's chances come from `seed`."""

    def __init__(self, host: str, port: int, seed: int = 0) -> None:
        self.link = GOOD
        self._chance = random.Random(seed)  # noqa: S311  # a storm must be repeatable, not secret
        self._target = (host, port)
        self._loop = asyncio.new_event_loop()
        self._requests = asyncio.Event()
        self._replies = asyncio.Event()
        self._cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def pause(self) -> None:
        """Take connections and bytes, and do nothing with them."""
        self._call(self._set(requests=False, replies=False))

    def lose_replies(self) -> None:
        """Pass on what clients send, and hold back what they are answered: their writes land, and they do not know."""
        self._call(self._set(replies=False))

    def cut(self) -> None:
        """Break every connection, and every new one at once."""
        self._call(self._set(cut=True))

    def resume(self) -> None:
        """Forward again, what was held back included."""
        self._call(self._set(requests=True, replies=True, cut=False))

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._requests.set()
        self._replies.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _set(self, *, requests: bool | None = None, replies: bool | None = None, cut: bool | None = None) -> None:
        for gate, flows in ((self._requests, requests), (self._replies, replies)):
            if flows is not None:
                (gate.set if flows else gate.clear)()
        if cut is not None:
            self._cut = cut
        if self._cut:
            for writer in list(self._writers):
                writer.transport.abort()

    async def _shut(self) -> None:
        self._server.close()
        await self._set(requests=True, replies=True, cut=True)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self._cut:
            writer.transport.abort()
            return
        with contextlib.suppress(OSError, asyncio.CancelledError):  # cancelled when all is over
            onward_reader, onward = await asyncio.open_connection(*self._target)
            self._writers.add(onward)
            if self._cut:  # while it was being opened
                onward.transport.abort()
            await asyncio.gather(
                self._copy(reader, onward, self._requests), self._copy(onward_reader, writer, self._replies)
            )
            self._writers.discard(onward)
        self._writers.discard(writer)
        writer.transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await gate.wait()
                if self.link is not GOOD and not await self._survives(self.link):
                    break
                writer.write(data)
                await writer.drain()
        writer.transport.abort()

    async def _survives(self, link: Link) -> bool:
        """Let a piece travel over a bad line; False when the line broke."""
        stalled_s = link.stall_s if self._chance.random() < link.stalls else 0.0
        await asyncio.sleep(link.delay_s + stalled_s)
        return self._chance.random() >= link.resets
