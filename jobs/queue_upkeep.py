"""Make room in the queue's tables for the coming months, and forget workers that stopped a week ago."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from domain.queue.upkeep import keep_up, words_of

if TYPE_CHECKING:
    from config.settings import Settings


def run(settings: Settings) -> str:
    """Keep up; return what was done. Raises `psycopg.Error`."""
    with psycopg.connect(settings.postgres_url("platform"), connect_timeout=5) as connection:
        return words_of(keep_up(connection))
