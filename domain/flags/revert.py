"""Put a flag back to what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.flags.change import Change, apply_change, held
from domain.flags.documents import target_of
from domain.flags.errors import RevisionNotFoundError
from domain.flags.models import FlagRevision

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.audit.record import Actor
    from domain.flags.models import Flag


def revert_flag(
    session: Session, key: str, to: int, actor: Actor, *, version: int | None = None, reason: str | None = None
) -> Flag:
    """Make a flag's version `to` its newest one again, and return the flag. What was archived since is in force again.

    What it was is checked as any change is: a tenant may be gone, or a bound narrower. Raises RevisionNotFoundError,
    and as `change_flag` does.
    """
    flag = held(session, key, version)
    revision = session.get(FlagRevision, (key, to))
    if revision is None:
        raise RevisionNotFoundError(f"{key} never had a version {to}; it is at {flag.version}.")
    was = revision.document
    change = Change(
        default=was["default"],
        targets=[target_of(found) for found in was["targets"]],
        about=was["about"],
        archived=was["archived"],
    )
    return apply_change(session, flag, change, actor, "reverted", reason)
