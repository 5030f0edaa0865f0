"""The pages of dead letters, deliveries, notifications and journeys, for the application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.dashboard import (
    dead_letter,
    dead_letters,
    dead_operations,
    deliveries,
    delivery,
    journeys,
    notifications,
)

if TYPE_CHECKING:
    from fastapi import APIRouter

# In this order: the address of one letter fits everything below that of all.
PAGES: Final[tuple[APIRouter, ...]] = (
    dead_letters.router,
    dead_operations.router,
    dead_letter.router,
    deliveries.router,
    delivery.router,
    notifications.router,
    journeys.router,
)
