"""Gatehouse as the house under test: its instances, their settings, its tenants, and how a new release replaces it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from cli.local.ports import free_port
from tests.chaos.clock import Clock
from tests.chaos.house import ROOT, House, Instance, command
from tests.support.databases import DatabaseUrls
from tests.support.twilio_webhook import AUTH_TOKEN

ACCOUNT_SID: Final = f"AC{'0' * 32}"
ADMIN_TOKEN: Final = "admin-token-for-tests-0123456789"
_MARKERS: Final = {
    "api": "",
    "worker": "Worker process is ready",
    "scheduler": "scheduler_started",
}


@dataclass(frozen=True)
class Addresses:
    """Where the house finds everything, by way of the proxies."""

    urls: DatabaseUrls
    redis: str
    twilio: str
    public: str


class Gatehouse:
    """One api, two workers, two schedulers, and what a deploy makes of them."""

    def __init__(self, directory: Path, addresses: Addresses, clock: Clock) -> None:
        self._directory = directory
        self._numbers = count(1)
        self.data = directory / "data"
        self.data.mkdir(exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
        self._environment: Mapping[str, str] = inherited | dict(clock.environment) | {
            "GATEHOUSE_ENVIRONMENT": "test",
            "GATEHOUSE_DATABASE_URL": addresses.urls.app,
            "GATEHOUSE_PLATFORM_DATABASE_URL": addresses.urls.platform,
            "GATEHOUSE_BROKER_URL": addresses.redis,
            "GATEHOUSE_REDIS_URL": addresses.redis,
            "GATEHOUSE_PUBLIC_URL": addresses.public,
            "GATEHOUSE_METRICS_PORT": "0",
            "GATEHOUSE_LOG_FORMAT": "json",
            "GATEHOUSE_SECRET_KEY": "secret-key-for-tests-0123456789-0123456789",
            "GATEHOUSE_ADMIN_TOKEN": ADMIN_TOKEN,
            "GATEHOUSE_DATA_DIR": str(self.data),
            "GATEHOUSE_SMS_PROVIDER": "twilio",
            "GATEHOUSE_TWILIO__ACCOUNT_SID": ACCOUNT_SID,
            "GATEHOUSE_TWILIO__AUTH_TOKEN": AUTH_TOKEN,
            "GATEHOUSE_TWILIO__API_BASE_URL": addresses.twilio,
            "GATEHOUSE_WORKER_PROCESSES": "1",
            "GATEHOUSE_WORKER_THREADS": "8",
        }  # fmt: skip
        self.house = House([self._instance(role) for role in ("api", "worker", "worker", "scheduler", "scheduler")])

    @property
    def api_port(self) -> int:
        """Where the api of the newest release listens."""
        port = self.house.of("api")[-1].port
        assert port is not None
        return port

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings, for commands beside the roles."""
        return self._environment

    def replace(self, instance: Instance) -> None:
        """Start an instance of the new release beside an old one, and stop that when the new one works."""
        self.house.add(self._instance(instance.group))
        self.house.retire(instance)

    def look_for_missing(self) -> None:
        """Run the job that takes in what the provider lists and we lack. Raises subprocess.CalledProcessError."""
        with (self._directory / "recover.log").open("ab") as log:
            recover = command("jobs", "run", "recover-inbound")
            subprocess.run(recover, env=dict(self._environment), cwd=ROOT, stdout=log, stderr=log, check=True)

    def _instance(self, role: str) -> Instance:
        name = f"{role}-{next(self._numbers):03d}"
        port = free_port() if role == "api" else None
        environment = dict(self._environment) | ({} if port is None else {"GATEHOUSE_PORT": str(port)})
        return Instance(name, role, command(role), environment, self._directory / f"{name}.log", _MARKERS[role], port)
