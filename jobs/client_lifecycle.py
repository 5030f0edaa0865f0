"""Carry out cancellations that are due, and end trials that are over."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from domain.clients.billing import carry_out_all
from domain.kernel.database import Database

if TYPE_CHECKING:
    from config.settings import Settings


def run(settings: Settings) -> str:
    """Look through all clients; return what was done."""
    with closing(Database(settings.postgres_url("app"), settings.postgres_url("platform"), pool_size=1)) as database:
        return carry_out_all(database.platform_scope)
