"""A TCP proxy that can refuse, swallow or cut: the network between the house and what it talks to."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, Literal, TypeVar

from cli.local.ports import HOST, is_free

Mode = Literal["pass", "refuse", "swallow"]
T = TypeVar("T")
_CHUNK: Final = 65536
_BELOW_EPHEMERAL: Final = (20_000, 32_000)


def reserved_port() -> int:
    """Return a free port that the kernel gives to no outgoing connection, so it is still free after it was closed."""
    while not is_free(port := random.randint(*_BELOW_EPHEMERAL)):
        pass
    return port


class Network:
    """The event loop of all proxies, in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._proxies: list[Proxy] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def add(self, proxy: Proxy) -> None:
        """Have a proxy closed at the end."""
        self._proxies.append(proxy)

    def close(self) -> None:
        """Drop everything."""
        for proxy in self._proxies:
            proxy.set("refuse")

        async def cancel_all() -> None:
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self.run(cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


class Proxy:
    """One address in front of another, which `target` names at each connection."""

    def __init__(self, network: Network, target: Callable[[], int]) -> None:
        self.port = reserved_port()
        self._network = network
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._mode: Mode = "pass"
        self._flows = asyncio.Event()
        network.add(self)
        network.run(self._listen())

    @property
    def mode(self) -> Mode:
        """What it does now."""
        return self._mode

    def set(self, mode: Mode) -> None:
        """Pass everything on; refuse connections, dropping those that are open; or swallow everything."""
        self._network.run(self._set(mode))

    def cut(self) -> None:
        """Reset all open connections."""
        self._network.run(self._cut())

    async def _set(self, mode: Mode) -> None:
        self._mode = mode
        if mode == "refuse":
            if self._server is not None:
                self._server.close()
                self._server = None
            await self._cut()
            await asyncio.sleep(0)
        else:
            await self._listen()
        if mode == "swallow":
            self._flows.clear()
        else:
            self._flows.set()

    async def _listen(self) -> None:
        self._flows.set()
        while self._server is None:
            try:
                self._server = await asyncio.start_server(self._begin, HOST, self.port, backlog=512)
            except OSError:
                await asyncio.sleep(0.05)

    async def _cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        task = asyncio.create_task(self._serve(reader, writer))
        # Kept here: of a connection that one side has half closed, asyncio itself keeps nothing that leads to the task.
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._flows.wait()
            there_reader, there_writer = await asyncio.open_connection(HOST, self._target())
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
            self._writers.discard(writer)
            return
        self._writers.add(there_writer)
        try:
            await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))
        except asyncio.CancelledError:
            return  # the run is over
        finally:
            for each in (writer, there_writer):
                each.transport.abort()
                self._writers.discard(each)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one direction on, and its end: an orderly one as such, a reset as a reset."""
        try:
            while data := await reader.read(_CHUNK):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
            await self._flows.wait()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            await self._flows.wait()
            writer.transport.abort()
