"""The whole house as processes: api, worker and scheduler, each started again when it dies, as a supervisor does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

import httpx

from cli.local.ports import free_port
from tests.support.databases import DatabaseUrls
from tests.support.eventually import eventually
from tests.support.twilio_webhook import AUTH_TOKEN, encoded, signed

ADMIN_TOKEN: Final = "admin-token-for-tests-0123456789"
ROLES: Final = ("api", "worker", "scheduler")
_ROOT: Final = Path(__file__).parents[2]
_STOP_SECONDS: Final = 40


class RunningHouse:
    """Runs the three roles on given servers. Logs go to `directory`."""

    def __init__(self, urls: DatabaseUrls, redis_url: str, broker_url: str, directory: Path, **settings: str) -> None:
        self.urls = urls
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {
            "GATEHOUSE_ENVIRONMENT": "test",
            "GATEHOUSE_DATABASE_URL": urls.app,
            "GATEHOUSE_PLATFORM_DATABASE_URL": urls.platform,
            "GATEHOUSE_BROKER_URL": broker_url,
            "GATEHOUSE_REDIS_URL": redis_url,
            "GATEHOUSE_PUBLIC_URL": self.url,
            "GATEHOUSE_PORT": str(self.port),
            "GATEHOUSE_METRICS_PORT": "0",
            "GATEHOUSE_SECRET_KEY": "secret-key-for-tests-0123456789-0123456789",
            "GATEHOUSE_ADMIN_TOKEN": ADMIN_TOKEN,
            "GATEHOUSE_DATA_DIR": str(directory),
            "GATEHOUSE_TWILIO__ACCOUNT_SID": f"AC{'0' * 32}",
            "GATEHOUSE_TWILIO__AUTH_TOKEN": AUTH_TOKEN,
            "GATEHOUSE_WORKER_PROCESSES": "2",
            "GATEHOUSE_WORKER_THREADS": "4",
        } | settings
        self.metrics_ports: dict[str, int] = {}
        """Where each role serves its metrics; any free port when none is put here before the start."""
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        try:
            for role in ROLES:
                self._start(role)
            self._supervisor.start()
            eventually(self._ready, within=60, what="The house")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop all roles as an operator does, and wait."""
        self._stopping.set()
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def kill(self, role: str) -> None:
        """Kill a role's parent process with SIGKILL."""
        self.processes[role].send_signal(signal.SIGKILL)

    def kill_child(self, role: str) -> None:
        """Kill one of the processes that a role's parent started with SIGKILL."""
        pid = self.processes[role].pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        workers = [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
        os.kill(int(workers[0]), signal.SIGKILL)

    def post(self, client: httpx.Client, form: Mapping[str, str]) -> httpx.Response:
        """Post a signed text."""
        return client.post("/webhooks/twilio/sms", content=encoded(form), headers=signed(self.url, form))

    def logs(self, role: str) -> str:
        """Return what a role has logged."""
        return (self.directory / f"{role}.log").read_text(errors="replace")

    def _start(self, role: str) -> None:
        with (self.directory / f"{role}.log").open("ab") as log:
            self.processes[role] = subprocess.Popen(
                [str(Path(sys.executable).with_name("gatehouse")), role],
                cwd=_ROOT,
                env=_inherited() | self._environment | self._port_of(role),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _port_of(self, role: str) -> dict[str, str]:
        return {"GATEHOUSE_METRICS_PORT": str(self.metrics_ports[role])} if role in self.metrics_ports else {}

    def _ready(self) -> bool:
        try:
            ready = httpx.get(f"{self.url}/api/health/ready").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False
        return ready and "Worker process is ready" in self.logs("worker")

    def _supervise(self) -> None:
        while not self._stopping.wait(0.2):
            for role, process in list(self.processes.items()):
                if process.poll() is not None and not self._stopping.is_set():
                    self._start(role)


def _inherited() -> dict[str, str]:
    """Return this process's environment without settings that would change the house."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
