"""The servers that tests talk to: a pair from the wheels for each run, or those that the environment names.

`GATEHOUSE_TEST_DATABASE_URL` (a superuser's), `GATEHOUSE_TEST_REDIS_URL` and `GATEHOUSE_TEST_BROKER_URL` choose servers
that run already; each one left out comes from the wheels.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pika
import redis

from domain.queue.names import QUEUES
from tests.support.keeper import ADDRESSES
from tests.support.run import exclusive

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Servers:
    """Where the servers of this run are. `broker_url` is None when the broker is the Redis server."""

    superuser_url: str
    redis_url: str
    broker_url: str | None


def servers_of(run: Path) -> Servers:
    """Return the servers of a run, starting those that are needed and don't run yet. Safe in several processes."""
    superuser_url = os.environ.get("GATEHOUSE_TEST_DATABASE_URL")
    redis_url = os.environ.get("GATEHOUSE_TEST_REDIS_URL")
    if superuser_url is None or redis_url is None:
        with exclusive(run / "start"):
            if not (run / ADDRESSES).exists():
                _start_keeper(run)
        own = json.loads((run / ADDRESSES).read_text())
        superuser_url = superuser_url or own["superuser_url"]
        redis_url = redis_url or own["redis_url"]
    return Servers(superuser_url, redis_url, os.environ.get("GATEHOUSE_TEST_BROKER_URL"))


def redis_database(url: str, worker_id: str) -> str:
    """Return the URL of the Redis database of one worker of pytest-xdist (`gw0`, `gw1`, …; `master` without it)."""
    parts = urlsplit(url)
    number = int(parts.path.strip("/") or 0) + int(worker_id.removeprefix("gw").replace("master", "0"))
    return urlunsplit(parts._replace(path=f"/{number}"))


def broker_of(url: str, worker_id: str) -> str:
    """Return the URL of the broker of one worker of pytest-xdist: a database of Redis, a virtual host of RabbitMQ.

    The virtual host bears the worker's name and has to exist; without pytest-xdist it is that of the URL.
    """
    if url.startswith("redis"):
        return redis_database(url, worker_id)
    return url if worker_id == "master" else urlunsplit(urlsplit(url)._replace(path=f"/{worker_id}"))


def empty_broker(url: str) -> None:
    """Remove everything that an earlier test left in the broker."""
    if url.startswith("redis"):
        with redis.Redis.from_url(url) as client:
            client.flushdb()
        return
    with closing(pika.BlockingConnection(pika.URLParameters(url))) as connection:
        channel = connection.channel()
        for queue in QUEUES:
            channel.queue_delete(f"gatehouse.{queue}")


def _start_keeper(run: Path) -> None:
    log = run / "keeper.log"
    with log.open("wb") as errors:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.support.keeper", str(run)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=ROOT,
            start_new_session=True,
        )
    assert keeper.stdout is not None
    with keeper.stdout as output:
        answer = output.readline()
    if answer != b"ready\n":
        keeper.wait()
        message = f"The test servers did not start:\n{log.read_text()}"
        raise RuntimeError(message)
    # It outlives this process on purpose; without this, Python warns that a child still runs.
    keeper.returncode = 0
