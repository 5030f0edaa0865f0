"""Alembic's entry: runs each migration in a transaction of its own, giving up quickly when a lock is not to be had."""

from __future__ import annotations

import time
from typing import Final

from alembic import context
from sqlalchemy import Connection, create_engine, pool, text

LOCK_TIMEOUT: Final = "4s"
"""A migration that waits longer than this for a lock would make every writer behind it wait too."""
STATEMENT_TIMEOUT: Final = "30min"
ADVISORY_LOCK: Final = 7_305_301
"""Two migrations started at once run one after the other."""
_ASK_EVERY: Final = 0.2


def run_migrations() -> None:
    """Run the migrations over the URL that the caller put into the configuration."""
    engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        _take_turn(connection)
        connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


def _take_turn(connection: Connection) -> None:
    """Wait until no other migration runs.

    It asks again and again, because a statement that waits inside the server holds a snapshot, and an index that the
    other migration builds concurrently would wait for that in turn.
    """
    while not connection.execute(text(f"SELECT pg_try_advisory_lock({ADVISORY_LOCK})")).scalar():
        connection.commit()
        time.sleep(_ASK_EVERY)


run_migrations()
