"""A worker process put together: connections, heartbeat, finisher, runner, and the broker that Dramatiq runs on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import dramatiq
import structlog
from dramatiq.middleware import TimeLimit

from domain.kernel.database import Database
from domain.queue.ports import Transport
from domain.statistics.flusher import Flusher
from domain.statistics.tally import Tally
from providers.brokers.publishing import publish_from
from providers.brokers.redis import RedisBell
from providers.brokers.registry import build_transport
from providers.registry import build_flags
from providers.signals import RedisSignals
from workers.active import Active
from workers.broker import DRAMATIQ_QUEUE, RECEIVE_WAIT, JobBroker, JobConsumer
from workers.connection import PlatformConnection
from workers.database_clock import DatabaseClock
from workers.finisher import Finisher
from workers.middleware.lifecycle import Lifecycle
from workers.presence import Presence
from workers.registry import load_actors
from workers.runner import Runner
from workers.services import build_services
from workers.slots import Slots

if TYPE_CHECKING:
    from config.settings import Settings
    from domain.queue.run import Run

_DAY_MS: Final = 24 * 60 * 60 * 1000
_FLAGS_WITHIN: Final = 3.0
"""Seconds: more than a look at the flags takes that began while the database was away, and the pause after it."""
_log = structlog.get_logger(__name__)


class Engine:
    """Owns everything that a worker process needs; made in that process, closed by `Lifecycle`."""

    def __init__(self, settings: Settings, queues: Sequence[str]) -> None:
        load_actors()
        url = settings.postgres_url("platform")
        self.queues = queues
        self.database = Database(
            settings.postgres_url("app"),
            url,
            pool_size=settings.worker_threads,
            name="gatehouse-worker",
            pre_ping=False,
        )
        self.transport: Transport = build_transport(settings.broker_url.get_secret_value())
        self.bell = RedisBell(settings.redis_url.get_secret_value())
        publish_from(self.database, self.transport, self.bell, window=settings.queue_window)
        self.flags = build_flags(settings)
        self.flags.serve(self.database)
        self.flags.start()
        self.tally = Tally()
        self.database.on_commit(self.tally.after_commit)
        self._signals = RedisSignals(settings.redis_url.get_secret_value())
        self._statistics = Flusher(self.tally, self.database, self._signals.changes)
        self._statistics.start()
        clock = DatabaseClock()
        self.slots = Slots(settings.worker_threads)
        self.active = Active()
        self.presence = Presence(
            PlatformConnection(url, "gatehouse-presence"), queues=queues, threads=settings.worker_threads, clock=clock
        )
        self.finisher = Finisher(PlatformConnection(url, "gatehouse-finish", by_key=True), self.active.discard)
        services = build_services(settings, self.database, clock, self.flags)
        self.runner = Runner(services, clock, self.finisher.submit, self.tally)
        self._claims = PlatformConnection(url, "gatehouse-claim", flush=False, by_key=True)
        self.broker = JobBroker(self._consumer, [TimeLimit(time_limit=_DAY_MS), Lifecycle(self)])
        dramatiq.actor(broker=self.broker, actor_name="run", queue_name=DRAMATIQ_QUEUE)(self._run)

    def _run(self, run: Run) -> None:
        if self.runner(run):
            self.active.discard([(run.job_id, run.attempt)])

    def close(self, seconds: float) -> bool:
        """Write the ends that wait, for at most `seconds`, then say goodbye; return whether all were written."""
        written = self.finisher.close(seconds)
        self.presence.close()
        self._statistics.close()
        self.flags.close()
        self.transport.close()
        self.bell.close()
        self._signals.close()
        self.database.close()
        return written

    def _consumer(self) -> JobConsumer:
        return JobConsumer(
            receiver=self.transport.receiver(longest_wait=RECEIVE_WAIT),
            queues=self.queues,
            connection=self._claims,
            presence=self.presence,
            slots=self.slots,
            active=self.active,
            database=self.database,
            prepare=self._await_flags,
        )

    def _await_flags(self) -> None:
        """Claim nothing before the flags were read, so that no job passes a switch that is thrown.

        The database answers by now, and is asked twice a second; flags that can't be read all the same stop no work.
        """
        if not self.flags.wait_read(_FLAGS_WITHIN):
            _log.warning("flags.unread_at_first_claim", seconds=_FLAGS_WITHIN)
