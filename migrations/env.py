"""Alembic's entry: runs each migration in a transaction of its own, giving up quickly when a lock is not to be had."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool, text

LOCK_TIMEOUT = "4s"
"""A migration that waits longer than this for a lock would make every writer behind it wait too."""
STATEMENT_TIMEOUT = "30min"
ADVISORY_LOCK = 7_305_301
"""Two migrations started at once run one after the other."""


def run_migrations() -> None:
    """Run the migrations over the URL that the caller put into the configuration."""
    engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
        connection.execute(text(f"SELECT pg_advisory_lock({ADVISORY_LOCK})"))
        # Only now: whoever waits for the other migration above makes nobody wait.
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run_migrations()
