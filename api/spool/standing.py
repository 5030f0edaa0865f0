"""How much is kept, and since when: for operators, probes and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, cast

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from api.spool.arrival import UnreadableArrivalError, decode
from api.spool.files import REJECTED, entries_of, waiting_files
from api.spool.stream import REJECTED as REJECTED_STREAM
from api.spool.stream import STREAM
from config.telemetry import SPOOL_BYTES, SPOOL_ENTRIES, SPOOL_OLDEST_SECONDS, SPOOL_REJECTED_ENTRIES

_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Standing:
    """What one store holds. `rejected`: entries that wait for a person, because nobody could take them.

    `size`: bytes that the entries take.
    """

    store: str
    entries: int
    oldest_seconds: float
    rejected: int
    size: int = 0


def standings(directory: Path, redis_url: str) -> Sequence[Standing]:
    """Return what is kept in the files of this machine, and in the stream unless Redis is away."""
    found = [_files(directory)]
    try:
        with redis.Redis.from_url(
            redis_url, socket_connect_timeout=_SECONDS, socket_timeout=_SECONDS, retry=Retry(NoBackoff(), 0)
        ) as client:
            found.append(_stream(client))
    except RedisError:
        pass
    return found


def show(found: Sequence[Standing]) -> None:
    """Set the figures."""
    for standing in found:
        SPOOL_ENTRIES.labels(standing.store).set(standing.entries)
        SPOOL_OLDEST_SECONDS.labels(standing.store).set(standing.oldest_seconds)
        SPOOL_BYTES.labels(standing.store).set(standing.size)
        SPOOL_REJECTED_ENTRIES.labels(standing.store).set(standing.rejected)


def _files(directory: Path) -> Standing:
    count, oldest, size = 0, 0.0, 0
    for path in waiting_files(directory):
        entries = entries_of(path)
        count += len(entries)
        size += sum(map(len, entries))
        if entries and not oldest:
            oldest = _age(entries[0])
    try:
        rejected = (directory / REJECTED).read_bytes().count(b"\n")
    except OSError:
        rejected = 0
    return Standing("files", count, oldest, rejected, size)


def _stream(client: redis.Redis) -> Standing:
    # The annotations serve the client for event loops as well.
    oldest = cast("list[tuple[bytes, object]]", client.xrange(STREAM, count=1))
    age = 0.0
    if oldest:
        since = datetime.fromtimestamp(int(oldest[0][0].partition(b"-")[0]) / 1_000, UTC)
        age = max(0.0, (datetime.now(UTC) - since).total_seconds())
    entries, rejected = cast("int", client.xlen(STREAM)), cast("int", client.xlen(REJECTED_STREAM))
    return Standing("redis", entries, age, rejected, cast("int | None", client.memory_usage(STREAM)) or 0)


def _age(entry: bytes) -> float:
    try:
        return max(0.0, (datetime.now(UTC) - decode(entry).received_at).total_seconds())
    except UnreadableArrivalError:
        return 0.0
