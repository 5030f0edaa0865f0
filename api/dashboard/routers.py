"""Every page of the dashboard, and the stream that open ones listen to, for the application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.dashboard import (
    audit,
    clients,
    dead_letter,
    dead_letters,
    dead_operations,
    deliveries,
    delivery,
    flags,
    gate,
    invitations,
    job,
    jobs,
    journeys,
    keys,
    live,
    notifications,
    overview,
    people,
    queues,
    role_table,
    schedules,
    search,
    theme,
    workers,
)

if TYPE_CHECKING:
    from fastapi import APIRouter

# In the order of the navigation, but for letters and invitations: the address of one letter, or of one person, fits
# everything below that of all.
PAGES: Final[tuple[APIRouter, ...]] = (
    live.router,
    theme.router,
    search.router,
    overview.router,
    journeys.router,
    deliveries.router,
    delivery.router,
    notifications.router,
    gate.router,
    clients.router,
    jobs.router,
    job.router,
    dead_letters.router,
    dead_operations.router,
    dead_letter.router,
    queues.router,
    workers.router,
    schedules.router,
    invitations.router,
    people.router,
    role_table.router,
    keys.router,
    flags.router,
    audit.router,
)
