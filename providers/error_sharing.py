"""Errors of all processes in one place: each puts its own into Redis, where the health page reads what all have put.

A process that can't reach Redis keeps its errors and puts them there when it can.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final, cast

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from domain.kernel.recent_errors import PARTS, RECENT, LastError, Part, RecentErrors

KEY: Final = "gatehouse:errors"
"""A hash: for each process, its errors by part, as JSON."""
PUT_EVERY: Final = 1.0
TRY_EVERY: Final = 5.0
KEPT: Final = 24 * 3600
"""Seconds after which the errors of a process are forgotten."""
ANSWER_WITHIN: Final = 1.0
_log = structlog.get_logger(__name__)

Errors = Mapping[Part, LastError]


class ErrorSharing:
    """Puts the errors of this process into Redis, from a thread, at most once a second and only after an error."""

    def __init__(self, url: str, role: str, recent: RecentErrors = RECENT) -> None:
        self._redis = _connect(url)
        self.name = f"{role}:{socket.gethostname()}:{os.getpid()}"
        self._recent = recent
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="error-sharing", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop; what was put there stays."""
        self._stopping.set()
        self._recent.changed.set()
        self._thread.join()
        self._redis.close()

    def _work(self) -> None:
        while self._recent.changed.wait() and not self._stopping.is_set():
            self._recent.changed.clear()
            if not self._put():
                self._recent.changed.set()
                self._stopping.wait(TRY_EVERY)
            self._stopping.wait(PUT_EVERY)

    def _put(self) -> bool:
        errors = {
            part: [last.error_class, last.words, last.at, dict(last.minutes)]
            for part, last in self._recent.standing().items()
        }
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.hset(KEY, self.name, json.dumps(errors))
                pipe.expire(KEY, KEPT)
                pipe.execute()
        except RedisError as error:
            _log.debug("errors_not_shared", error=type(error).__name__)
            return False
        return True


def read_shared(url: str, *, without: str = "") -> Sequence[Errors]:
    """Return the errors of all processes but one, and forget those of long ago. Raises RedisError."""
    with _connect(url) as redis:
        kept = cast("dict[str, str]", redis.hgetall(KEY))
        found = {name: _read(text) for name, text in kept.items() if name != without}
        old = [name for name, errors in found.items() if errors and _last(errors) < time.time() - KEPT]
        if old:
            redis.hdel(KEY, *old)
    return [errors for name, errors in found.items() if name not in old]


def together(processes: Sequence[Errors]) -> Errors:
    """Return the newest error of each part, with the counts of all processes."""
    whole: dict[Part, LastError] = {}
    for part in PARTS:
        lasts = [errors[part] for errors in processes if part in errors]
        if lasts:
            newest = max(lasts, key=lambda last: last.at)
            minutes: dict[int, int] = {}
            for last in lasts:
                for minute, times in last.minutes.items():
                    minutes[minute] = minutes.get(minute, 0) + times
            whole[part] = LastError(newest.error_class, newest.words, newest.at, minutes)
    return whole


def _read(text: str) -> Errors:
    """Return what a process put there; nothing when another release wrote it in another form."""
    try:
        return {
            part: LastError(str(name), str(words), float(at), {int(minute): int(n) for minute, n in minutes.items()})
            for part, (name, words, at, minutes) in json.loads(text).items()
            if part in PARTS
        }
    except (ValueError, TypeError, AttributeError):
        return {}


def _last(errors: Errors) -> float:
    return max((last.at for last in errors.values()), default=0.0)


def _connect(url: str) -> Redis:
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=ANSWER_WITHIN,
        socket_connect_timeout=ANSWER_WITHIN,
        retry=Retry(NoBackoff(), 0),
        client_name="gatehouse-errors",
    )
