"""Create, change and archive flags: the new version, its revision and the audit entry in one transaction.

All in a platform scope. A change is told to the processes after its commit, by a hook of the database.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import delete, func, select

from domain.audit.record import Act, Actor, record
from domain.flags.definitions import DEFINITIONS
from domain.flags.documents import changed_parts, difference, document
from domain.flags.errors import FlagChangedError, FlagExistsError, FlagNotFoundError, InCodeError, InvalidFlagError
from domain.flags.models import Flag, FlagRevision, FlagTarget
from domain.flags.ports import CHANGED_KEY, Target, Value, ValueType
from domain.flags.targets import check_targets
from domain.flags.values import check
from domain.kernel.reasons import fit_reason_given

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

KEY: Final = re.compile(r"[a-z][a-z0-9_.-]{0,98}")
LONGEST_ABOUT: Final = 500
_SHOWN: Final = 5
"""Changes that a conflict tells of."""


@dataclass(frozen=True, slots=True)
class NewFlag:
    """A flag of the operators' own. Kill switches are the code's."""

    key: str
    value_type: ValueType
    default: Value
    about: str
    kind: Literal["flag", "setting"] = "flag"


@dataclass(frozen=True, slots=True)
class Change:
    """What shall be otherwise; what is None stays. `targets` replaces all of them."""

    default: Value | None = None
    targets: Sequence[Target] | None = None
    about: str | None = None
    archived: bool | None = None


def create_flag(session: Session, new: NewFlag, actor: Actor, *, reason: str | None = None) -> Flag:
    """Create a flag. Raises FlagExistsError, InvalidFlagError, ReasonMissingError."""
    reason = fit_reason_given(reason)
    if not KEY.fullmatch(new.key):
        raise InvalidFlagError("A name has lower case letters, digits, dots, dashes and underscores, and up to 99.")
    if new.key in DEFINITIONS or session.get(Flag, new.key) is not None:
        raise FlagExistsError(f"There is a flag {new.key} already.")
    flag = Flag(
        key=new.key,
        kind=new.kind,
        value_type=new.value_type,
        about=_checked_about(new.about),
        default_value=check(new.value_type, new.default),
        version=1,
    )
    session.add(flag)
    session.flush()
    _keep(session, flag, {}, actor, "created", reason)
    return flag


def change_flag(
    session: Session, key: str, change: Change, actor: Actor, *, version: int | None = None, reason: str | None = None
) -> Flag:
    """Change a flag and return it; what changes nothing makes no new version.

    `version` is the one that the change was made for, None for whichever there is. Raises FlagNotFoundError,
    FlagChangedError (it is at another version), InCodeError (archiving what code reads), InvalidFlagError,
    ReasonMissingError (a reason is given that says nothing).
    """
    return apply_change(session, held(session, key, version), change, actor, "changed", reason)


def archive_flag(
    session: Session, key: str, actor: Actor, *, version: int | None = None, reason: str | None = None
) -> Flag:
    """Take a flag out of force; it keeps its history, and reverting brings it back. Raises as `change_flag`."""
    return apply_change(session, held(session, key, version), Change(archived=True), actor, "archived", reason)


def held(session: Session, key: str, version: int | None) -> Flag:
    """Lock a flag and return it. Raises FlagNotFoundError, or FlagChangedError when it is at another version."""
    flag = session.scalars(
        select(Flag).where(Flag.key == key).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if flag is None:
        raise FlagNotFoundError(f"There is no flag {key}.")
    if version is not None and version != flag.version:
        raise FlagChangedError(_since(session, flag, version))
    return flag


def apply_change(session: Session, flag: Flag, change: Change, actor: Actor, verb: str, reason: str | None) -> Flag:
    """Apply a change to a locked flag. Raises InCodeError, InvalidFlagError, ReasonMissingError."""
    reason = fit_reason_given(reason)
    before = document(flag, targets_of(session, flag.key))
    definition = DEFINITIONS.get(flag.key)
    if change.archived and definition is not None:
        raise InCodeError(f"{flag.key} is read by {definition.read_by}; set it, rather than archive it.")
    if change.default is not None:
        flag.default_value = check(flag.value_type, change.default, definition)
    if change.about is not None and definition is None:
        flag.about = _checked_about(change.about)
    if change.archived is not None:
        flag.archived_at = func.now() if change.archived else None
    if change.targets is not None:
        _replace_targets(session, flag, check_targets(session, flag, change.targets))
    session.flush()
    session.refresh(flag)
    after = document(flag, targets_of(session, flag.key))
    if before != after:
        flag.version += 1
        flag.updated_at = func.now()
        session.flush()
        session.refresh(flag)
        _keep(session, flag, before, actor, verb, reason)
    return flag


def targets_of(session: Session, key: str) -> Sequence[FlagTarget]:
    """Return the targets of a flag, in the order in which they are asked."""
    query = select(FlagTarget).where(FlagTarget.key == key).order_by(FlagTarget.position)
    return session.scalars(query.execution_options(populate_existing=True)).all()


def _replace_targets(session: Session, flag: Flag, targets: Sequence[Target]) -> None:
    session.execute(delete(FlagTarget).where(FlagTarget.key == flag.key))
    for position, target in enumerate(targets):
        session.add(
            FlagTarget(
                key=flag.key,
                position=position,
                tenant_id=target.tenant_id,
                client_id=target.client_id,
                percentage=target.percentage,
                value=target.value,
            )
        )


def _keep(session: Session, flag: Flag, before: dict[str, Any], actor: Actor, verb: str, reason: str | None) -> None:
    """Keep the new version and who made it, and have the processes told after the commit."""
    after = document(flag, targets_of(session, flag.key))
    session.add(FlagRevision(key=flag.key, version=flag.version, document=after, actor=actor.name, reason=reason))
    was, now = changed_parts(before, after)
    act = Act(f"{flag.kind}.{verb}", flag.kind, flag.key, reason, before=was or None, after=now)
    record(session, actor, act)
    session.info[CHANGED_KEY] = True


def _since(session: Session, flag: Flag, version: int) -> str:
    """Return what became of a flag since a version, in words."""
    revisions = session.scalars(
        select(FlagRevision)
        .where(FlagRevision.key == flag.key, FlagRevision.version >= version)
        .order_by(FlagRevision.version)
        .limit(_SHOWN + 1)
    ).all()
    told = [
        f"version {later.version} by {later.actor} ({'; '.join(difference(earlier.document, later.document))})"
        for earlier, later in pairwise(revisions)
    ]
    since = f" Since then: {', '.join(told)}." if told else ""
    return f"{flag.key} is at version {flag.version}, not {version}.{since}"


def _checked_about(about: str) -> str:
    if not about.strip() or len(about) > LONGEST_ABOUT or "\x00" in about:
        raise InvalidFlagError(f"Say what the flag is about, in up to {LONGEST_ABOUT} characters.")
    return about.strip()
