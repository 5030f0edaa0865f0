"""A queue under random treatment: what was done to it, and what has to hold afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.kernel.database import Database
from domain.queue import control, dispatch
from domain.queue.enqueue import NewJob, enqueue_many
from domain.queue.limits import LimitRule, remove_limit, set_limit
from domain.queue.message import Message
from domain.queue.outcome import Done
from domain.queue.run import Run
from domain.queue.turns import START
from providers.brokers.publishing import publish_from
from tests.support.databases import DatabaseUrls
from tests.support.memory_broker import MemoryTransport, SilentBell
from tests.support.queue_kinds import Errand, Note
from tests.support.queue_lab import Lab
from tests.support.queue_lab import lab as open_lab
from workers.connection import PlatformConnection
from workers.dispatcher import Dispatcher

WINDOW = 8
ORGS = [UUID(f"00000000-0000-7000-8000-00000000000{n}") for n in (1, 2, 3)]
MESSAGES: dict[str, Message] = {"default": Note(), "bulk": Errand()}
_IN_FLIGHT = """
    SELECT id, org_id, kind, limit_key, state FROM jobs
    WHERE state = 'executing' OR (state = 'available' AND queued_at IS NOT NULL)
"""


@dataclass(slots=True)
class InForce:
    """A limit, what was in flight when it was set, and the starts that it has seen since."""

    rule: LimitRule
    before: set[UUID]
    since: float = field(default_factory=time.monotonic)
    starts: int = 0

    def counts(self, row: dict[str, Any]) -> bool:
        """Whether it counts a job."""
        rule = self.rule
        return (
            rule.tenant_id in {None, row["org_id"]}
            and rule.kind in {None, row["kind"]}
            and rule.key in {None, row["limit_key"]}
        )


@dataclass(slots=True)
class Probe:
    """An urgent job that no limit counts, and the jobs of others that were started before it, from a look on."""

    job_id: UUID
    org_id: UUID
    queue: str
    looked: bool = False
    overtaken: int = 0


class DispatchFloor:
    """Two dispatchers over one database and one broker in memory, and workers that do what they are told."""

    def __init__(self, lab: Lab, database: Database, transport: MemoryTransport) -> None:
        self.lab = lab
        self.transport = transport
        self._database = database
        url = lab.urls.platform
        self._connections = [PlatformConnection(url, "dispatcher", by_key=True) for _ in range(2)]
        self.dispatchers = [self._dispatcher(c) for c in self._connections]
        self.runs: list[Run] = []
        self.limits: dict[UUID, InForce] = {}
        self.weights: dict[UUID, int] = {}
        self.probes: list[Probe] = []

    def _dispatcher(self, connection: PlatformConnection) -> Dispatcher:
        return Dispatcher(connection, self.transport, SilentBell(), window=WINDOW, stale_after=0.0)

    def arrive(self, org_id: UUID, queue: str, count: int, *, pushes: bool, key: str | None = None) -> Sequence[UUID]:
        """Let jobs come, from a producer that pushes or from one that does not."""
        database = self._database if pushes else self.lab.database
        with database.tenant_scope(org_id) as session:
            return enqueue_many(session, [NewJob(MESSAGES[queue], limit_key=key)] * count, org_id=org_id)

    def probe(self, org_id: UUID, queue: str) -> None:
        """Let an urgent job come, which waits for its turn."""
        with self.lab.database.tenant_scope(org_id) as session:
            (job_id,) = enqueue_many(session, [NewJob(MESSAGES[queue])], org_id=org_id, priority=0)
        self.probes.append(Probe(job_id, org_id, queue))

    def tick(self, number: int) -> None:
        """Let a dispatcher look once."""
        self.dispatchers[number].tick()
        for probe in self.probes:
            probe.looked = True

    def die(self, queue: str, room: int) -> None:
        """Let a dispatcher die after it took jobs and before it pushed them."""
        with self.lab.connect() as connection, connection.transaction():
            dispatch.take(connection, queue, room, START)
        self.forgive()

    def recover(self) -> None:
        """Let a new dispatcher look, which searches for lost ids at once."""
        connection = PlatformConnection(self.lab.urls.platform, "recovery", by_key=True)
        with closing(connection):
            self._dispatcher(connection).tick()
        self.forgive()

    def work(self, queue: str, count: int) -> None:
        """Let a worker take up to `count` ids and begin what they stand for."""
        ids = [UUID(entry.rpartition(" ")[2]) for entry in self.transport.take(queue, count)]
        for claimed in self.lab.claim(*ids):
            self.runs.append(Run(claimed, self.lab.database))
            row = self.lab.job(claimed.id)
            for limit in self.limits.values():
                limit.starts += limit.counts(row) and claimed.id not in limit.before
            self.probes = [probe for probe in self.probes if probe.job_id != claimed.id]
            for probe in self.probes:
                others = probe.queue == claimed.queue and probe.org_id != claimed.org_id
                probe.overtaken += probe.looked and others

    def end(self, number: int) -> None:
        """Let one of the runs end well."""
        if self.runs:
            run = self.runs.pop(number % len(self.runs))
            assert self.lab.end(run, Done())

    def limit(self, rule: LimitRule) -> None:
        """Set a limit, or change it."""
        with self.lab.database.platform_scope() as session:
            limit_id = set_limit(session, rule)
        known = self.limits.get(limit_id)
        if known is None or known.rule != rule:
            before = {row["id"] for row in self.lab.rows(_IN_FLIGHT)}
            self.limits[limit_id] = InForce(rule, before)
        self.forgive()

    def lift(self, number: int) -> None:
        """Remove one of the limits."""
        if self.limits:
            limit_id = sorted(self.limits)[number % len(self.limits)]
            del self.limits[limit_id]
            with self.lab.database.platform_scope() as session:
                remove_limit(session, limit_id)
            self.forgive()

    def pause(self, queue: str, *, paused: bool) -> None:
        """Pause a queue, or resume it."""
        with self.lab.database.platform_scope() as session:
            if paused:
                control.pause(session, queue, "on purpose")
            else:
                control.resume(session, queue)
        self.forgive()

    def forgive(self) -> None:
        """Count anew for the probes: what has just been done is not the dispatchers' fault."""
        for probe in self.probes:
            probe.looked, probe.overtaken = False, 0

    def in_flight(self) -> list[dict[str, Any]]:
        """Return the jobs that were handed over or run."""
        return self.lab.rows(_IN_FLIGHT)

    @staticmethod
    def now() -> float:
        """Return the time on the clock by which limits are set."""
        return time.monotonic()

    def close(self) -> None:
        """Close the dispatchers' connections."""
        for connection in self._connections:
            connection.close()


@contextmanager
def dispatch_floor(urls: DatabaseUrls) -> Iterator[DispatchFloor]:
    """Give an empty queue with everything around it."""
    transport = MemoryTransport()
    with open_lab(urls) as lab, closing(Database(urls.app, urls.platform, pool_size=2)) as database:
        publish_from(database, transport, SilentBell(), window=WINDOW)
        lab.execute("INSERT INTO organizations (id, slug, name) VALUES (%s, 'o3', 'x') ON CONFLICT DO NOTHING", ORGS[2])
        with closing(DispatchFloor(lab, database, transport)) as floor:
            yield floor
