"""A worker that works when it is told to: what is due now, in this thread, with everything real but Dramatiq."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Self
from uuid import UUID

import psycopg

from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.kernel.ids import new_id
from domain.queue.claim import claim
from domain.queue.finish import Finished, finish
from domain.queue.presence import WorkerInfo, register
from domain.queue.run import Run
from workers.registry import load_actors
from workers.runner import Runner
from workers.services import build_services

if TYPE_CHECKING:
    from config.settings import Settings


class HandWorker:
    """Runs jobs of one database. Use it as a context manager."""

    def __init__(self, settings: Settings) -> None:
        load_actors()
        self._settings = settings
        self._open = ExitStack()
        self._id = new_id()

    def __enter__(self) -> Self:
        url = self._settings.postgres_url("platform")
        self._connection = self._open.enter_context(psycopg.connect(url, autocommit=True))
        self._database = self._open.enter_context(closing(Database(self._settings.postgres_url("app"), url)))
        register(self._connection, WorkerInfo(self._id, "hand", 1, ["inbound"], 1, "0"))
        clock = SystemClock()
        self._runner = Runner(build_services(self._settings, self._database, clock), clock, self._end)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def work(self, kind: str | None = None) -> int:
        """Run what is available (of one kind), and what becomes so thereby; return how many runs that were."""
        runs = 0
        while due := self._due(kind):
            for claimed in claim(self._connection, self._id, due):
                self._runner(Run(claimed, self._database))
                runs += 1
        return runs

    def _due(self, kind: str | None) -> list[UUID]:
        query = "SELECT id FROM jobs WHERE state = 'available' AND kind = coalesce(%s, kind) ORDER BY id"
        return [row[0] for row in self._connection.execute(query, [kind]).fetchall()]

    def _end(self, ended: Finished) -> None:
        finish(self._connection, [ended])
