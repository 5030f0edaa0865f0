"""Verify every entry of every chain of the audit log."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from domain.audit.errors import ChainBrokenError
from domain.audit.watch import watch
from domain.kernel.database import Database

if TYPE_CHECKING:
    from config.settings import Settings


def run(settings: Settings) -> str:
    """Verify; return what was done. Raises ChainBrokenError when a chain is not whole: operators have a notice then."""
    with closing(Database(settings.postgres_url("app"), settings.postgres_url("platform"), pool_size=1)) as database:
        watched = watch(database.platform_scope)
    if watched.broken:
        raise ChainBrokenError(f"{watched.words} See: gatehouse audit verify")
    return watched.words
