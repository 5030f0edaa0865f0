"""Every page of the dashboard, for the application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.dashboard import audit, clients, flags, gate, keys, people, role_table

if TYPE_CHECKING:
    from fastapi import APIRouter

PAGES: Final[tuple[APIRouter, ...]] = (
    audit.router,
    clients.router,
    flags.router,
    gate.router,
    keys.router,
    people.router,
    role_table.router,
)
