"""The rivals as programs that can be struck: one web process and two workers each, four of RQ."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Final

from benchmarks.chaos_rivals import job
from cli.local.ports import free_port
from tests.chaos.clock import Clock
from tests.chaos.gatehouse import ACCOUNT_SID, Addresses
from tests.chaos.house import House, Instance
from tests.support.twilio_webhook import AUTH_TOKEN

_MODULE: Final = "benchmarks.chaos_rivals"
WORKERS: Final[Mapping[str, Sequence[str]]] = {
    "dramatiq_app": ["-m", "dramatiq", f"{_MODULE}.dramatiq_app", "--processes", "1", "--threads", "8"],
    "celery_app": [
        "-m", "celery", "--app", f"{_MODULE}.celery_app", "worker", "--concurrency", "4", "--loglevel", "info",
        "--hostname", "{name}@%h",
    ],
    "rq_app": ["-m", "rq.cli", "worker", "answers", "--with-scheduler", "--url", "{redis}"],
}  # fmt: skip
_MARKERS: Final = {"dramatiq_app": "ready for action", "celery_app": " ready.", "rq_app": "Listening on"}


class Rival:
    """One rival; `name` is a key of WORKERS."""

    def __init__(self, name: str, directory: Path, addresses: Addresses, _clock: Clock) -> None:
        self._name = name
        self._directory = directory
        self._numbers = count(1)
        self._redis = addresses.redis
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("GATEHOUSE_")}
        self._environment = inherited | {
            "RIVAL": name,
            "RIVAL_DATABASE_URL": addresses.urls.app,
            "RIVAL_REDIS_URL": addresses.redis,
            "RIVAL_PROVIDER_URL": addresses.twilio,
            "RIVAL_PUBLIC_URL": addresses.public,
            "RIVAL_ACCOUNT_SID": ACCOUNT_SID,
            "RIVAL_AUTH_TOKEN": AUTH_TOKEN,
            "PYTHONUNBUFFERED": "1",
            "C_FORCE_ROOT": "1",
        }
        job.prepare(addresses.urls.superuser)
        # A worker of RQ runs one job at a time.
        workers = 4 if name == "rq_app" else 2
        self.house = House([self._web(), *(self._worker() for _ in range(workers))])

    @property
    def api_port(self) -> int:
        """Where webhooks go."""
        port = self.house.of("api")[-1].port
        assert port is not None
        return port

    def replace(self, instance: Instance) -> None:
        """Start a new release of an instance beside it, and stop it when that works."""
        self.house.add(self._web() if instance.group == "api" else self._worker())
        self.house.retire(instance)

    def look_for_missing(self) -> None:
        """Do nothing: no rival does."""

    def _web(self) -> Instance:
        port = free_port()
        command = ["-m", "uvicorn", f"{_MODULE}.web:app", "--port", str(port), "--log-level", "warning"]
        return self._instance("api", command, port=port)

    def _worker(self) -> Instance:
        return self._instance("worker", WORKERS[self._name], marker=_MARKERS[self._name])

    def _instance(self, group: str, command: Sequence[str], marker: str = "", port: int | None = None) -> Instance:
        name = f"{group}-{next(self._numbers):03d}"
        argv = [sys.executable, *(part.replace("{name}", name).replace("{redis}", self._redis) for part in command)]
        return Instance(name, group, argv, self._environment, self._directory / f"{name}.log", marker, port)
