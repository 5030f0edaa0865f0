"""Take webhooks to a disk, those that wait together at once: into the stream if it can be had, else into a file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import product
from typing import Final

import structlog
from redis.exceptions import RedisError

from api.spool.arrival import Arrival
from api.spool.files import FileStore, SpoolFullError
from api.spool.stream import NotKeptError, StreamStore
from config.telemetry import SPOOL, begin_at_zero
from domain.kernel.recent_errors import note_error

BATCH: Final = 500
KEEP_WITHIN: Final = 8.0
"""Seconds. With what was spent on the database before, an answer is there within Twilio's 15."""
begin_at_zero(SPOOL, product(("sms", "status"), ("kept", "refused", "brought_in", "repeated", "rejected")))
_log = structlog.get_logger(__name__)

_Waiting = tuple[bytes, "asyncio.Future[None]"]


class Writer:
    """One writer a process: while it waits for the disk, the next batch gathers."""

    def __init__(self, files: FileStore, stream: StreamStore, copies: FileStore) -> None:
        self._files = files
        self._stream = stream
        self._copies = copies
        self._waiting: list[_Waiting] = []
        self._arrived = asyncio.Event()
        self._rest = asyncio.Event()
        self._rest.set()
        self._keeping = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def at_rest(self) -> bool:
        """Whether nothing is on its way to a disk."""
        return self._keeping == 0

    def start(self) -> None:
        """Start writing."""
        self._task = asyncio.create_task(self._work(), name="spool-writer")

    async def close(self) -> None:
        """Write what waits, and stop."""
        if self._task is not None:
            task, self._task = self._task, None
            self._arrived.set()
            await task

    async def idle(self) -> None:
        """Return when nothing is on its way to a disk."""
        await self._rest.wait()

    async def keep(self, arrival: Arrival) -> None:
        """Return once a webhook is on a disk. Raises NotKeptError."""
        self._keeping += 1
        self._rest.clear()
        try:
            await asyncio.wait_for(self._enqueue(arrival.encode()), KEEP_WITHIN)
            SPOOL.labels(arrival.kind, "kept").inc()
        except (OSError, SpoolFullError, NotKeptError, TimeoutError) as error:
            SPOOL.labels(arrival.kind, "refused").inc()
            note_error("spool", error)
            _log.error("not_spooled", kind=arrival.kind, error=type(error).__name__)
            raise NotKeptError("The webhook can't be kept.") from None
        finally:
            self._keeping -= 1
            if self._keeping == 0:
                self._rest.set()

    async def check(self) -> None:
        """Raise NotKeptError unless a webhook could be kept now."""
        if self._files.empty:
            try:
                return await self._stream.check()
            except (RedisError, NotKeptError, OSError):
                pass  # the files are asked next
        try:
            await asyncio.to_thread(self._files.check)
        except (OSError, SpoolFullError) as error:
            raise NotKeptError(f"Nothing can be kept ({type(error).__name__}).") from None

    def _enqueue(self, entry: bytes) -> asyncio.Future[None]:
        if self._task is None:
            raise NotKeptError("The process stops.")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, future))
        self._arrived.set()
        return future

    async def _work(self) -> None:
        while self._task is not None or self._waiting:
            if not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            try:
                await self._store([entry for entry, _ in batch])
            except Exception as error:  # noqa: BLE001  each waiting request has to be told, whatever it was
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for _, future in batch:
                    if not future.done():
                        future.set_result(None)

    async def _store(self, entries: Sequence[bytes]) -> None:
        # Once in files, all go there until these are brought in, so that they stay in order.
        if not self._files.empty or not await self._stored_in_stream(entries):
            await asyncio.to_thread(self._files.append, entries)

    async def _stored_in_stream(self, entries: Sequence[bytes]) -> bool:
        try:
            await self._stream.append(entries)
        except (RedisError, NotKeptError, OSError) as error:
            self._stream.distrust()
            _log.info("spooling_into_files", reason=str(error) or type(error).__name__)
            return False
        # A server that keeps what it is told may be told to forget it. On a full disk the stream has to do.
        with suppress(OSError, SpoolFullError):
            await asyncio.to_thread(self._copies.append, entries)
        return True
