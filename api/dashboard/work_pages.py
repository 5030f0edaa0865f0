"""The pages of the work that is done: jobs, queues, workers, schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.dashboard import job, jobs, queues, schedules, workers

if TYPE_CHECKING:
    from fastapi import APIRouter

PAGES: Final[tuple[APIRouter, ...]] = (jobs.router, job.router, queues.router, workers.router, schedules.router)
