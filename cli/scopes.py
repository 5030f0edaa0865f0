"""What commands that act on a running system begin with: settings, quiet logs, and one short scope in the database."""

from __future__ import annotations

import getpass
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from config.settings import Settings
    from domain.audit.record import Actor
    from domain.kernel.database import Database


def begin() -> Settings:
    """Return the settings. Only warnings are logged, redacted and to standard error, so that output stays clean."""
    from config.logging import configure_logging  # noqa: PLC0415 - as all below: --help needs none of it
    from config.settings import load_settings  # noqa: PLC0415
    from domain.kernel.redaction import redact  # noqa: PLC0415

    settings = load_settings()
    configure_logging(settings.model_copy(update={"log_level": "warning"}), "cli", redact)
    return settings


def operator() -> Actor:
    """Return who acts, for the audit log: the account that runs the command."""
    from domain.audit.record import Actor  # noqa: PLC0415

    return Actor(name=getpass.getuser(), role="operator")


@contextmanager
def platform_scope() -> Iterator[Session]:
    """Open a transaction that sees all organizations. After it commits, the dispatcher is told of jobs to run."""
    with platform_database() as database, database.platform_scope() as session:
        yield session


@contextmanager
def platform_database() -> Iterator[Database]:
    """Open the database for several such transactions."""
    from domain.flags.inforce import IN_FORCE  # noqa: PLC0415
    from domain.kernel.database import Database  # noqa: PLC0415
    from providers.brokers.publishing import publish_from  # noqa: PLC0415
    from providers.brokers.redis import RedisBell  # noqa: PLC0415
    from providers.brokers.registry import build_transport  # noqa: PLC0415
    from providers.flags.once import FlagsOnce  # noqa: PLC0415
    from providers.flags.telling import tell_after_commit  # noqa: PLC0415

    settings = begin()
    database = Database(settings.postgres_url("app"), settings.postgres_url("platform"), pool_size=1, name="gatehouse")
    transport = build_transport(settings.broker_url.get_secret_value())
    bell = RedisBell(settings.redis_url.get_secret_value())
    publish_from(database, transport, bell, window=settings.queue_window)
    database.inform(**{IN_FORCE: FlagsOnce(settings.postgres_url("platform"))})
    teller = tell_after_commit(database, settings.redis_url.get_secret_value())
    try:
        yield database
    finally:
        database.close()
        teller.close()
        bell.close()
        transport.close()
