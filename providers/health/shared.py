"""What the processes tell each other about providers, in Redis; nobody waits long for it, and all do without it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final, TypeVar, cast
from uuid import UUID

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from domain.kernel.recent_errors import note_error

T = TypeVar("T")

ANSWER_WITHIN: Final = 0.5
"""Seconds that a send may lose to a Redis that hangs, once every `LEFT_ALONE`."""
LEFT_ALONE: Final = 5.0
FORGOTTEN_AFTER: Final = 24 * 3600
"""Seconds after which a circuit that nobody used is forgotten."""
_CIRCUIT: Final = "gatehouse:circuit:"
_OPEN: Final = "gatehouse:circuits-open"
_log = structlog.get_logger(__name__)


class Shared:
    """A connection that is left alone for a while after it failed. Thread-safe; its methods never raise."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=ANSWER_WITHIN,
            socket_connect_timeout=ANSWER_WITHIN,
            retry=Retry(NoBackoff(), 0),
            client_name="gatehouse-health",
        )
        self._away_until = 0.0

    def ask(self, command: Callable[[Redis], T]) -> T | None:
        """Return what a command answers, or None when Redis is away."""
        if time.monotonic() < self._away_until:
            return None
        try:
            return command(self._redis)
        except RedisError as error:
            self._away_until = time.monotonic() + LEFT_ALONE
            note_error("redis", error)
            _log.warning("health_is_not_shared", error=type(error).__name__)
            return None

    def read_circuit(self, name: str) -> Mapping[str, str] | None:
        """Return the fields of a circuit, none of them when it is not known; None when Redis is away."""
        return self.ask(lambda redis: cast("dict[str, str]", redis.hgetall(_CIRCUIT + name)))

    def write_circuit(self, name: str, fields: Mapping[str, str | int]) -> None:
        """Set fields of a circuit and keep the list of those that are not closed."""

        def write(redis: Redis) -> None:
            with redis.pipeline(transaction=False) as pipe:
                pipe.hset(_CIRCUIT + name, mapping=dict(fields))
                pipe.expire(_CIRCUIT + name, FORGOTTEN_AFTER)
                if fields.get("state") == "closed":
                    pipe.zrem(_OPEN, name)
                elif "state" in fields:
                    pipe.zadd(_OPEN, {name: time.time()}, nx=True)
                pipe.execute()

        self.ask(write)

    def count_failure(self, name: str) -> int | None:
        """Count a failed call of a circuit; return how many there are in a row, None when Redis is away."""
        return self.ask(lambda redis: int(cast("int", redis.hincrby(_CIRCUIT + name, "failures", 1))))

    def take_probe(self, name: str, seconds: float) -> bool | None:
        """Take the right to make the one call that tries an open circuit; None when Redis is away."""
        key = f"{_CIRCUIT}{name}:probe"
        return self.ask(lambda redis: bool(redis.set(key, "1", nx=True, px=int(seconds * 1000))))

    def keep_probe(self, name: str, seconds: float) -> None:
        """Keep that right for so long from now, if it was not lost."""
        self.ask(lambda redis: redis.pexpire(f"{_CIRCUIT}{name}:probe", int(seconds * 1000)))

    def give_probe_back(self, name: str) -> None:
        """Let another call try the circuit."""
        self.ask(lambda redis: redis.delete(f"{_CIRCUIT}{name}:probe"))

    def open_circuits(self) -> Mapping[tuple[str, UUID], float]:
        """Return the circuits that are not closed, by provider and client, with the time (Unix) they opened at."""
        oldest = time.time() - FORGOTTEN_AFTER

        def read(redis: Redis) -> list[tuple[str, float]]:
            redis.zremrangebyscore(_OPEN, "-inf", oldest)
            return cast("list[tuple[str, float]]", redis.zrange(_OPEN, 0, -1, withscores=True))

        found = self.ask(read) or []
        return {(name.partition(":")[0], UUID(name.partition(":")[2])): since for name, since in found}

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()
