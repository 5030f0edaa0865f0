"""Whether webhooks are to be kept, where, and when what was kept is brought in.

While the database is away, and until the last entry of this process is brought in, every webhook is kept: none
overtakes an earlier one of the same conversation. The end of it is a short hold: webhooks that come then wait until the
last entries are in the database, and go on directly.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog
from redis.exceptions import RedisError

from api.spool.arrival import Arrival
from api.spool.drain import AwayError, Drain
from api.spool.files import FileStore, waiting_files
from api.spool.standing import show, standings
from api.spool.stream import StreamStore
from api.spool.writer import Writer
from domain.kernel.recent_errors import note_error

LOOK_EVERY: Final = 1.0
"""Seconds between two looks for what another process has left behind."""
TRY_EVERY: Final = 0.5
"""Seconds between two tries to bring entries in."""
HOLD: Final = 3.0
"""Seconds for which webhooks wait for the last entries. Twilio waits 15."""
NEARLY: Final = 2_000
"""Milliseconds of arrivals that may be left in the stream, perhaps for another process to bring in, at the hold."""
RECHECK: Final = 0.05
MEASURE_EVERY: Final = 5.0
BATCH: Final = 200
COPIES: Final = "copies"
"""The directory of copies of what was put into the stream, below that of the files."""
_log = structlog.get_logger(__name__)


class Spool:
    """The spool of one process. Lives on one event loop.

    `wanted`: whether texts are to be kept; `away`: whether the database did not answer when it was last asked, so that
    even what may overtake others is to be kept.
    """

    def __init__(self, directory: Path, redis_url: str, *, files: FileStore | None = None) -> None:
        self._directory = directory
        self._redis_url = redis_url
        self._files = files or FileStore(directory)
        self._stream = StreamStore(redis_url)
        self._copies = FileStore(directory / COPIES)
        self._writer = Writer(self._files, self._stream, self._copies)
        self._settled: asyncio.Event | None = None
        self._wake = asyncio.Event()
        self._failures = 0
        self._task: asyncio.Task[None] | None = None
        self._drain: Drain | None = None
        self._measured = float("-inf")
        self.wanted = self.away = False

    async def start(self, drain: Drain) -> None:
        """Begin. What an earlier process left is brought in before anything that comes now."""
        for files in (self._files, self._copies):
            await asyncio.to_thread(files.tidy)
        self.wanted = await self._something_left()
        self._writer.start()
        self._drain = drain
        self._task = asyncio.create_task(self._watch(drain), name="spool")

    async def close(self) -> None:
        """Stop; what is kept stays for whoever starts next."""
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._drain is not None:
            await self._drain.close()
        await self._writer.close()
        await asyncio.to_thread(self._files.close)
        await asyncio.to_thread(self._copies.close)
        await self._stream.close()

    def failed(self) -> None:
        """Note that the database has failed: from now on webhooks are to be kept."""
        self._failures += 1
        if not self.wanted:
            _log.warning("spooling_began")
        self.wanted = self.away = True
        self._wake.set()

    async def must_keep(self) -> bool:
        """Return whether a webhook that comes now has to be kept; waits a moment while the last ones are brought in."""
        if self._settled is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(HOLD):
                    await self._settled.wait()
        return self.wanted

    async def keep(self, arrival: Arrival) -> None:
        """Return once a webhook is on a disk. Raises NotKeptError when it can't be kept anywhere."""
        await self._writer.keep(arrival)

    async def check(self) -> None:
        """Raise NotKeptError unless a webhook could be kept now."""
        await self._writer.check()

    async def _watch(self, drain: Drain) -> None:
        while self._task is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(TRY_EVERY if self.wanted else LOOK_EVERY):
                    await self._wake.wait()
            if self._wake.is_set():
                self._wake.clear()
                await asyncio.sleep(TRY_EVERY)
            try:
                if self.wanted or await self._something_left():
                    await self._bring_in(drain)
            except AwayError as error:
                _log.debug("spool_waits", reason=str(error))
            except Exception as error:  # noqa: BLE001  whatever it was, entries are to be tried again
                note_error("spool", error)
                _log.exception("spool_not_brought_in")
            await self._measure()

    async def _bring_in(self, drain: Drain) -> None:
        failures = self._failures
        await drain.ready()
        self.away = failures != self._failures
        brought = await self._bring_all(drain)
        if self.wanted and await self._lag() < NEARLY:
            brought += await self._settle(drain)
        if brought:
            await drain.finished(brought)

    async def _settle(self, drain: Drain) -> int:
        """Hold what comes, bring the rest in and go back to normal; return how many entries were brought in."""
        brought, failures, settled = 0, self._failures, asyncio.Event()
        self._settled = settled
        try:
            async with asyncio.timeout(HOLD):
                await self._writer.idle()
                brought += await self._bring_all(drain)
                while await self._lag():
                    await asyncio.sleep(RECHECK)
                    brought += await self._bring_all(drain)
            if self._files.empty and self._writer.at_rest and failures == self._failures:
                self.wanted = False
                _log.info("spooling_ended")
        except TimeoutError:
            _log.info("spool_not_settled")
        finally:
            self._settled = None
            settled.set()
        return brought

    async def _bring_all(self, drain: Drain) -> int:
        """Bring in all that can be had; return how many entries that were."""
        try:
            brought = await self._bring_stream(drain)
        except RedisError as error:
            _log.warning("spool_stream_unreachable", error=type(error).__name__)
            brought = 0
        # After the stream, what is in already changes nothing; if that was wiped, they are all there is.
        if not await self._stream_waits():
            brought = max(brought, await self._bring_files(drain, self._copies))
        return brought + await self._bring_files(drain, self._files)

    async def _bring_files(self, drain: Drain, files: FileStore) -> int:
        brought = 0
        while (path := await asyncio.to_thread(files.take)) is not None:
            entries = await asyncio.to_thread(files.entries, path)
            for start in range(0, len(entries), BATCH):
                for rejected in await drain.bring(entries[start : start + BATCH]):
                    await self._reject(rejected)
            await asyncio.to_thread(files.remove, path)
            brought += len(entries)
        return brought

    async def _bring_stream(self, drain: Drain) -> int:
        brought = 0
        async with self._stream.drainer() as mine:
            while mine and (entries := await self._stream.head(BATCH)):
                rejected = await drain.bring([entry for _, entry in entries])
                await self._stream.remove([entry_id for entry_id, _ in entries], rejected)
                await self._stream.go_on()
                brought += len(entries)
        return brought

    async def _reject(self, entry: bytes) -> None:
        try:
            await asyncio.to_thread(self._files.reject, entry)
        except OSError as error:
            # What nobody can take in must not hold up what everybody waits for.
            _log.error("spool_rejected_entry_lost", error=type(error).__name__)

    async def _lag(self) -> int:
        try:
            return await self._stream.lag()
        except RedisError:
            return 0  # nobody could wait for it

    async def _something_left(self) -> bool:
        if waiting_files(self._directory) or waiting_files(self._directory / COPIES):
            return True
        return await self._stream_waits()

    async def _stream_waits(self) -> bool:
        """Return whether the stream holds entries, as far as can be told."""
        try:
            return await self._stream.size() > 0
        except RedisError:
            return False

    async def _measure(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._measured >= MEASURE_EVERY:
            self._measured = now
            show(await asyncio.to_thread(standings, self._directory, self._redis_url))
