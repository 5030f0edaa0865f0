"""Read flags, their history, and what one is for somebody. All in a platform scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from domain.flags.change import targets_of
from domain.flags.definitions import DEFINITIONS
from domain.flags.errors import FlagNotFoundError
from domain.flags.evaluate import evaluate
from domain.flags.models import Flag, FlagRevision, FlagTarget
from domain.flags.ports import Kind, Resolution, Subject, Value
from domain.flags.state import FLAGS, states
from domain.kernel.database import raw_connection

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a flag is for somebody (`subject`, with the tenant of its client), and why in words."""

    subject: Subject
    value: Value | None
    resolution: Resolution
    words: str


def list_flags(
    session: Session, *, kind: Kind | None = None, archived: bool = False, limit: int = 100, after: str | None = None
) -> Sequence[Flag]:
    """Return flags by name; page on with the last name. Archived ones are left out unless asked for."""
    query = select(Flag).order_by(Flag.key).limit(limit)
    if kind is not None:
        query = query.where(Flag.kind == kind)
    if not archived:
        query = query.where(Flag.archived_at.is_(None))
    if after is not None:
        query = query.where(Flag.key > after)
    return session.scalars(query).all()


def get_flag(session: Session, key: str) -> tuple[Flag, Sequence[FlagTarget]]:
    """Return a flag and its targets. Raises FlagNotFoundError."""
    flag = session.get(Flag, key)
    if flag is None:
        raise FlagNotFoundError(f"There is no flag {key}.")
    return flag, targets_of(session, key)


def count_targets(session: Session) -> Mapping[str, int]:
    """Return how many targets each flag has that has any, by name."""
    counted = select(FlagTarget.key, func.count()).group_by(FlagTarget.key)
    return {key: targets for key, targets in session.execute(counted)}  # noqa: C416 - a row is no pair to mypy


def list_revisions(session: Session, key: str, *, limit: int = 50, before: int | None = None) -> Sequence[FlagRevision]:
    """Return the versions of a flag, newest first; page on with the last number. Raises FlagNotFoundError."""
    get_flag(session, key)
    query = select(FlagRevision).where(FlagRevision.key == key).order_by(FlagRevision.version.desc()).limit(limit)
    if before is not None:
        query = query.where(FlagRevision.version < before)
    return session.scalars(query).all()


def evaluate_stored(session: Session, key: str, subject: Subject) -> Evaluated:
    """Return what a flag is for somebody by what is committed, and why. Raises FlagNotFoundError."""
    session.flush()
    rows = raw_connection(session).execute(f"{FLAGS} WHERE f.key = %s", [key]).fetchall()
    found = states(rows)
    if key not in found:
        raise FlagNotFoundError(f"There is no flag {key}.")
    subject = _with_tenant(session, subject)
    resolution = evaluate(found[key], subject)
    definition = DEFINITIONS.get(key)
    value = resolution.value
    if value is None and definition is not None:
        value = definition.default
    return Evaluated(subject, value, resolution, _words(resolution))


def _with_tenant(session: Session, subject: Subject) -> Subject:
    """Return a subject with the organization of its client, where only that is named."""
    if subject.client_id is None or subject.tenant_id is not None:
        return subject
    row = raw_connection(session).execute("SELECT org_id FROM clients WHERE id = %s", [subject.client_id]).fetchone()
    return subject if row is None else replace(subject, tenant_id=row[0])


def _words(resolution: Resolution) -> str:
    match resolution.reason:
        case "static":
            return "It has no targets, so everybody gets the default."
        case "default":
            return "No target fits, so it is the default."
        case "targeting_match":
            return f"Target {resolution.position} fits."
        case "split":
            return f"Target {resolution.position} fits, and the subject is within its share."
        case "disabled":
            return "It is archived, so the default of the code that asks counts."
        case "error":
            return f"{resolution.error} The default of the code that asks counts."
