"""Worker engines and the scheduler's parts in this process, on real servers."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dramatiq
from pydantic import SecretStr

from config.settings import Settings
from domain.queue.names import QUEUES
from providers.brokers.redis import RedisBell
from providers.brokers.registry import build_transport
from tests.support.databases import DatabaseUrls
from workers.connection import PlatformConnection
from workers.dispatcher import Dispatcher
from workers.engine import Engine
from workers.rescuer import Rescuer

STALE_AFTER = 0.5
GONE_AFTER = 5.0
"""More than the three seconds between two heartbeats."""


class Floor:
    """Where workers work: settings, engines and a scheduler that is quicker to notice losses than the real one."""

    def __init__(self, urls: DatabaseUrls, redis_url: str, broker_url: str, data_dir: Path) -> None:
        self.redis_url = redis_url
        self.settings = Settings(
            environment="test",
            data_dir=data_dir,
            database_url=SecretStr(urls.app),
            platform_database_url=SecretStr(urls.platform),
            broker_url=SecretStr(broker_url),
            redis_url=SecretStr(redis_url),
            secret_key=SecretStr("secret-key-for-tests-0123456789-0123456789"),
            worker_threads=4,
            queue_window=64,
        )

    @contextmanager
    def worker(self, *, queues: Sequence[str] = QUEUES, shutdown_seconds: float = 10) -> Iterator[Engine]:
        """Run a worker; at the end it is told to stop, as by SIGTERM."""
        engine = Engine(self.settings, queues)
        worker = dramatiq.Worker(engine.broker, worker_threads=self.settings.worker_threads, worker_timeout=100)
        engine.broker.emit_after("process_boot")
        worker.start()
        try:
            yield engine
        finally:
            worker.stop(timeout=int(shutdown_seconds * 1000))

    @contextmanager
    def scheduler(self) -> Iterator[None]:
        """Run a dispatcher and a rescuer."""
        url = self.settings.postgres_url("platform")
        transport = build_transport(self.settings.broker_url.get_secret_value())
        bell = RedisBell(self.redis_url)
        dispatcher = Dispatcher(
            PlatformConnection(url, "dispatcher"),
            transport,
            bell,
            window=self.settings.queue_window,
            stale_after=STALE_AFTER,
        )
        rescuer = Rescuer(PlatformConnection(url, "rescuer"), gone_after=GONE_AFTER)
        stopping = threading.Event()
        threads = [threading.Thread(target=part.run, args=(stopping,)) for part in (dispatcher, rescuer)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stopping.set()
            bell.ring()
            for thread in threads:
                thread.join(10)
            transport.close()
            bell.close()
