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
_PATIENCE_SECONDS = 4.0
"""The supervisor tries again, which helps when something was only just let go, such as a port."""
_RECHECK_SECONDS = 0.1
_LOG_LINES = 15


def wait_ready(plan: Plan, supervisor: Supervisor, settings: Settings) -> None:
    """Return once the API says that it is ready, the scheduler is up and every worker process has reported.

    Raises `ServerFailedError` with the end of the log of the role that failed.
    """
    deadline = time.monotonic() + _SECONDS
    failing: dict[str, float] = {}
    with (
        httpx.Client(base_url=f"http://{HOST}:{plan.port}", timeout=5, trust_env=False) as client,
        psycopg.connect(settings.postgres_url("platform"), autocommit=True) as connection,
    ):
        while (missing := _first_missing(supervisor, client, connection, settings)) is not None:
            for role in filter(supervisor.failed, ROLES):
                first = failing.setdefault(role, time.monotonic())
                if time.monotonic() - first > _PATIENCE_SECONDS:
                    raise ServerFailedError(f"The {role} stopped while it started.", _end_of(supervisor.log_of(role)))
            if time.monotonic() > deadline:
                role, reason = missing
                raise ServerFailedError(f"The {role} is not ready: {reason}", _end_of(supervisor.log_of(role)))
            time.sleep(_RECHECK_SECONDS)


def _first_missing(
    supervisor: Supervisor, client: httpx.Client, connection: psycopg.Connection[tuple[object, ...]], settings: Settings
) -> tuple[Role, str] | None:
    """Return the first role that is not ready, and why; None when all are."""
    for role in ROLES:
        if not supervisor.running(role):
            return role, "it does not run."
    workers = live_workers(connection)
    if workers < settings.worker_processes:
        return "worker", f"{workers} of {settings.worker_processes} processes have reported."
    try:
        answer = client.get("/api/health/ready")
    except httpx.TransportError as error:
        return "api", f"it does not answer ({error})."
    return None if answer.status_code == httpx.codes.OK else ("api", answer.text)


def _end_of(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:] if log.exists() else []
    return "\n".join([f"The end of its log, {log}:", *lines])
