"""Which maintenance there is, and how often each should run.

Everything here may be run at any time, twice, and by several machines at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from domain.kernel.errors import NotFoundError
from jobs import audit_verify, client_lifecycle, queue_upkeep, recover_inbound, reseal_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from config.settings import Settings


@dataclass(frozen=True, slots=True)
class MaintenanceJob:
    """One maintenance job. `run` returns what it did in a sentence, and raises when it failed."""

    name: str
    about: str
    every: timedelta
    run: Callable[[Settings], str]


JOBS: Final[Sequence[MaintenanceJob]] = (
    MaintenanceJob(
        "client-lifecycle",
        "Carry out cancellations that are due and end trials that are over. The scheduler does it every minute.",
        timedelta(minutes=10),
        client_lifecycle.run,
    ),
    MaintenanceJob(
        "queue-upkeep",
        "Make room for the coming months' attempts and forget old workers. The scheduler does it hourly as well.",
        timedelta(hours=1),
        queue_upkeep.run,
    ),
    MaintenanceJob(
        "recover-inbound",
        "Take in texts that the provider has and we do not. The scheduler has it done hourly and after an outage.",
        timedelta(hours=1),
        recover_inbound.run,
    ),
    MaintenanceJob(
        "audit-verify",
        "Verify every entry of the audit log. The scheduler has the newest of each organization verified hourly.",
        timedelta(days=1),
        audit_verify.run,
    ),
    MaintenanceJob(
        "reseal-secrets",
        "Seal with the present secret key what the one before it sealed. Needed once after that was changed.",
        timedelta(days=1),
        reseal_secrets.run,
    ),
)


def job_named(name: str) -> MaintenanceJob:
    """Return a job by name. Raises `NotFoundError`, naming those there are."""
    for job in JOBS:
        if job.name == name:
            return job
    raise NotFoundError(f"There is no maintenance job {name!r}. There are: {', '.join(job.name for job in JOBS)}.")
