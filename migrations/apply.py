"""Bring a database to the schema that this release knows, or tell how far it is from it."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from domain.kernel.database import sqlalchemy_url
from migrations.flags import synchronise

_HERE = Path(__file__).parent


def _config(url: str) -> Config:
    config = Config(str(_HERE / "alembic.ini"))
    config.attributes["url"] = sqlalchemy_url(url)
    return config


def head() -> str:
    """Return the revision that this release was written for."""
    revision = ScriptDirectory.from_config(_config("")).get_current_head()
    if revision is None:
        message = "There are no migrations in this installation."
        raise RuntimeError(message)
    return revision


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Apply every pending migration up to `revision`, as the schema's owner. Safe to run again and at the same time.

    At the head the flags of this release are written into their table as well.
    """
    command.upgrade(_config(owner_url), revision)
    if revision in {"head", head()}:
        synchronise(owner_url)


def downgrade(owner_url: str, revision: str) -> None:
    """Take migrations back to `revision` (`base` for all)."""
    command.downgrade(_config(owner_url), revision)
