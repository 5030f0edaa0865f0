"""Which schema this release was written for, so that a process refuses to work on an older one."""

from __future__ import annotations

from typing import Final

SCHEMA_REVISION: Final = "0019"
"""The newest migration that this release needs; revisions are numbers of four digits, so they sort."""

READ_REVISION: Final = "SELECT version_num FROM alembic_version"


def schema_problem(revision: str | None) -> str | None:
    """Return what is wrong with a database at `revision`, in words, or None.

    A newer schema is right: every release runs on the schema of the next, so that both can serve during a deployment.
    """
    if revision is None:
        return "The database has no schema. Run: gatehouse migrate"
    if revision < SCHEMA_REVISION:
        return f"The schema is at {revision}, this release needs {SCHEMA_REVISION}. Run: gatehouse migrate"
    return None
