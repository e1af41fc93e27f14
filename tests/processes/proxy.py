"""A TCP proxy on loopback that can be paused and cut: an API server that hangs or is down, where none is ours to stop.

It forwards bytes, so TLS goes through it untouched.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, Self


class Proxy:
    """Forwards 127.0.0.1:`port` to a server; used as a context manager."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()
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
        self._call(self._set(flows=False))

    def cut(self) -> None:
        """Break every connection, and every new one at once."""
        self._call(self._set(cut=True))

    def resume(self) -> None:
        """Forward again, what was held back included."""
        self._call(self._set(flows=True, cut=False))

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._open.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _set(self, *, flows: bool | None = None, cut: bool | None = None) -> None:
        if flows is not None:
            (self._open.set if flows else self._open.clear)()
        if cut is not None:
            self._cut = cut
        if self._cut:
            for writer in list(self._writers):
                writer.transport.abort()

    async def _shut(self) -> None:
        self._server.close()
        await self._set(flows=True, cut=True)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self._cut:
            writer.transport.abort()
            return
        with contextlib.suppress(OSError):
            onward_reader, onward = await asyncio.open_connection(*self._target)
            self._writers.add(onward)
            await asyncio.gather(self._copy(reader, onward), self._copy(onward_reader, writer))
        writer.transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
