"""Whether the roles are ready to serve: the API answers, and somebody is there to do the work."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import psycopg

from cli.local.errors import ServerFailedError
from cli.local.plan import ROLES, Plan
from cli.local.ports import HOST
from cli.local.supervise import Supervisor
from config.settings import Role, Settings
from domain.queue.stats import live_workers

_SECONDS = 120.0
"""Generous: the very first start compiles every module, on a machine that may be slow and busy."""
_STARTS = 3
"""How often a role may be started: what another program just let go, such as a port, is there the second time."""
_RECHECK_SECONDS = 0.1
_LOG_LINES = 15


def wait_ready(plan: Plan, supervisor: Supervisor, settings: Settings) -> None:
    """Return once the API says that it is ready, the scheduler is up and every worker process has reported.

    Raises `ServerFailedError` with the end of the log of the role that failed.
    """
    deadline = time.monotonic() + _SECONDS
    pids: dict[Role, set[int]] = {role: set() for role in ROLES}
    with (
        httpx.Client(timeout=5, trust_env=False) as client,
        psycopg.connect(settings.postgres_url("platform"), autocommit=True) as connection,
    ):
        while (missing := _first_missing(plan, supervisor, client, connection, settings)) is not None:
            for role in ROLES:
                pids[role].add(supervisor.pid(role))
                if len(pids[role] - {0}) >= _STARTS:
                    raise ServerFailedError(f"The {role} stopped while it started.", _end_of(supervisor.log_of(role)))
            if time.monotonic() > deadline:
                role, reason = missing
                raise ServerFailedError(f"The {role} is not ready: {reason}", _end_of(supervisor.log_of(role)))
            time.sleep(_RECHECK_SECONDS)


def _first_missing(
    plan: Plan,
    supervisor: Supervisor,
    client: httpx.Client,
    connection: psycopg.Connection[tuple[object, ...]],
    settings: Settings,
) -> tuple[Role, str] | None:
    """Return the first role that is not ready, and why; None when all are."""
    addresses = {role: f"http://{HOST}:{port}/metrics" for role, port in plan.metrics_ports.items()}
    addresses["api"] = f"http://{HOST}:{plan.port}/api/health/ready"
    for role in ROLES:
        if not supervisor.running(role):
            return role, "it does not run."
        try:
            answer = client.get(addresses[role])
        except httpx.TransportError as error:
            return role, f"it does not answer ({error})."
        if answer.status_code != httpx.codes.OK:
            return role, answer.text
    workers = live_workers(connection)
    if workers < settings.worker_processes:
        return "worker", f"{workers} of {settings.worker_processes} processes have reported."
    return None


def _end_of(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:] if log.exists() else []
    return "\n".join([f"The end of its log, {log}:", *lines])
