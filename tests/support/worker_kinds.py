"""Job kinds with actors that do to a worker what jobs do: succeed, fail, hang, exit, kill.

They speak to their test over Redis, because a worker may be another process.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from redis import Redis
from sqlalchemy import text

from domain.kernel.errors import GatehouseError
from domain.queue.message import Message, job
from domain.queue.outcome import Done, Outcome
from domain.queue.run import Run
from workers.registry import actor
from workers.services import Services

HOLD_SECONDS = 30


@job(kind="test.mark", queue="default")
@dataclass(frozen=True, slots=True)
class Mark(Message):
    """Appends `value` to the list `ran`; on queue "default"."""

    redis_url: str
    value: str


@job(kind="test.hold", queue="default", max_attempts=3)
@dataclass(frozen=True, slots=True)
class Hold(Message):
    """Says `started`, then waits until something is pushed to `release`."""

    redis_url: str


@job(kind="test.fail", queue="default", max_attempts=2)
@dataclass(frozen=True, slots=True)
class Fail(Message):
    """Raises: an error with `words`, a permanent one, or sys.exit."""

    words: str
    how: str = "error"


@job(kind="test.endless", queue="default", time_limit=timedelta(seconds=1))
@dataclass(frozen=True, slots=True)
class Endless(Message):
    """Never ends by itself."""


@job(kind="test.half", queue="default")
@dataclass(frozen=True, slots=True)
class Half(Message):
    """Ends itself in a transaction that then fails."""


@job(kind="test.odd", queue="default")
@dataclass(frozen=True, slots=True)
class Odd(Message):
    """Returns what is no outcome."""


@job(kind="test.kill", queue="default")
@dataclass(frozen=True, slots=True)
class Kill(Message):
    """Kills its process."""


@job(kind="test.watch_flag", queue="default")
@dataclass(frozen=True, slots=True)
class WatchFlag(Message):
    """Ends when a boolean flag is on."""

    key: str


class HopelessError(GatehouseError):
    """It will never work."""

    permanent = True


def ran(redis_url: str) -> list[str]:
    """Return the values of the marks that ran, in their order."""
    with Redis.from_url(redis_url, decode_responses=True) as client:
        return cast("list[str]", client.lrange("ran", 0, -1))


def wait_started(redis_url: str, count: int = 1) -> None:
    """Wait until that many holds have started."""
    with Redis.from_url(redis_url) as client:
        for _ in range(count):
            assert client.blpop(["started"], timeout=HOLD_SECONDS) is not None


def release(redis_url: str, count: int = 1) -> None:
    """Let that many holds end."""
    with Redis.from_url(redis_url) as client:
        client.rpush("release", *(["1"] * count))


@actor(Mark)
def mark(message: Mark, run: Run, services: Services) -> Outcome:
    """Leave a mark."""
    del run, services
    with Redis.from_url(message.redis_url) as client:
        client.rpush("ran", message.value)
    return Done()


@actor(Hold)
def hold(message: Hold, run: Run, services: Services) -> Outcome:
    """Wait to be released."""
    del run, services
    with Redis.from_url(message.redis_url) as client:
        client.rpush("started", "1")
        client.blpop(["release"], timeout=HOLD_SECONDS)
    return Done()


@actor(Fail)
def fail(message: Fail, run: Run, services: Services) -> Outcome:
    """Raise."""
    del run, services
    if message.how == "permanent":
        raise HopelessError(message.words)
    if message.how == "exit":
        sys.exit(message.words)
    raise RuntimeError(message.words)


@actor(Endless)
def endless(message: Endless, run: Run, services: Services) -> Outcome:
    """Wait in small steps for what never comes: a time limit strikes between two steps of Python."""
    del message, run, services
    never = threading.Event()
    while not never.wait(0.02):
        pass
    return Done()


@actor(Half)
def half(message: Half, run: Run, services: Services) -> Outcome:
    """Finish, then fail before the commit."""
    del message, services
    with run.scope() as session:
        run.finish(session, Done())
        session.execute(text("SELECT 1 / 0"))
    return Done()


@actor(Odd)
def odd(message: Odd, run: Run, services: Services) -> Outcome:
    """Break the promise of the types."""
    del message, run, services
    return cast("Outcome", None)


@actor(WatchFlag)
def watch_flag(message: WatchFlag, run: Run, services: Services) -> Outcome:
    """Look at the flag in memory until it is on."""
    del run
    pause = threading.Event()
    while not services.flags.boolean(message.key, default=False):
        pause.wait(0.01)
    return Done()


@actor(Kill)
def kill(message: Kill, run: Run, services: Services) -> Outcome:
    """Die."""
    del message, run, services
    os.kill(os.getpid(), signal.SIGKILL)
    return Done()
