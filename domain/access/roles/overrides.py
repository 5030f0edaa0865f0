"""Keep what an organization changes of a role, on record; and find what is wrong with what was kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from domain.access.delegation import require_may_widen
from domain.access.models import RoleOverride
from domain.access.roles.documents import OVERRIDE_SCHEMA
from domain.access.roles.errors import UnknownRoleError
from domain.access.roles.narrow import check, override
from domain.access.roles.words import sentences
from domain.audit.record import Act, Actor, record
from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.kernel.reasons import fit_reason_given

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.access.authorize import RoleBook
    from domain.access.principal import Principal
    from domain.access.roles.book import Roles
    from domain.access.roles.documents import OverrideDocument
    from domain.access.roles.role import Role

Stored = Mapping[str, Any]
"""What organizations changed: the document of each role, by name. It may be of another release, or edited by hand."""


@dataclass(frozen=True, slots=True)
class Giver:
    """Who changes a role and what the roles say of them. None in its place: whoever runs the installation."""

    principal: Principal
    book: RoleBook


def set_override(
    session: Session,
    roles: Roles,
    role: str,
    document: OverrideDocument,
    actor: Actor,
    *,
    org_id: UUID,
    giver: Giver | None = None,
    reason: str | None = None,
) -> None:
    """Narrow a role for an organization, or change how its pages look; in place of what was changed before.

    Raises:
        UnknownRoleError: there is no such role that can be given.
        InvalidInputError: the override allows more than the file, or names what the role does not have.
        ReachesTooFarError: it gives the role back what was taken from it and the giver does not have.
        ReasonMissingError: a reason is given that says nothing.

    """
    reason = fit_reason_given(reason)
    found = _given(roles, role)
    mistakes = check(found, roles.permissions, document)
    if mistakes:
        raise InvalidInputError(sentences(mistakes))
    after = document.model_dump(mode="json", by_alias=True, exclude_unset=True) | {"schema": document.schema_}
    # What is there is locked, so that of two changes at once each records what the other left.
    statement = insert(RoleOverride).values(org_id=org_id, role=role, document=after)
    if session.scalar(statement.on_conflict_do_nothing().returning(RoleOverride.role)) is not None:
        before = None
    else:
        stored = session.get_one(RoleOverride, (org_id, role), with_for_update=True)
        before, stored.document = stored.document, after
        _require_no_wider(roles, found, (before, after), giver, org_id)
        session.flush()
    record(session, actor, Act("role.override", "role", role, reason, before=before, after=after, org_id=org_id))


def remove_override(
    session: Session,
    roles: Roles,
    role: str,
    actor: Actor,
    *,
    org_id: UUID,
    giver: Giver | None = None,
    reason: str | None = None,
) -> None:
    """Give an organization a role as its file says. Also one whose file is gone: what is left of it can be removed.

    Raises:
        NotFoundError: the organization changed nothing of it.
        ReachesTooFarError: the role would get back what was taken from it and the giver does not have.
        ReasonMissingError: a reason is given that says nothing.

    """
    reason = fit_reason_given(reason)
    statement = delete(RoleOverride).where(RoleOverride.org_id == org_id, RoleOverride.role == role)
    before = session.scalar(statement.returning(RoleOverride.document))
    if before is None:
        _given(roles, role)
        raise NotFoundError(f"The organization has not changed the role {role}.")
    if role in roles.roles:
        _require_no_wider(roles, roles.roles[role], (before, {"schema": OVERRIDE_SCHEMA}), giver, org_id)
    record(session, actor, Act("role.restore", "role", role, reason, before=before, org_id=org_id))


def stored_overrides(session: Session, org_ids: Collection[UUID] | None = None) -> dict[UUID, Stored]:
    """Return what is kept of these organizations, or of all in this scope; those that changed nothing are not there."""
    query = select(RoleOverride.org_id, RoleOverride.role, RoleOverride.document).order_by(RoleOverride.role)
    if org_ids is not None:
        query = query.where(RoleOverride.org_id.in_(org_ids))
    found: dict[UUID, dict[str, Any]] = defaultdict(dict)
    for org_id, role, document in session.execute(query):
        found[org_id][role] = document
    return dict(found)


def _given(roles: Roles, role: str) -> Any:  # noqa: ANN401
    found = roles.roles.get(role)
    if found is None:
        raise UnknownRoleError(f"There is no role {role!r}. There are: {', '.join(roles.roles)}.")
    return found


def _require_no_wider(roles: Roles, role: Role, overrides: tuple[Any, Any], giver: Giver | None, org_id: UUID) -> None:
    """Raise ReachesTooFarError when the second override gives the role back what the giver does not have."""
    if giver is None:
        return
    before, after = (override(role, roles.permissions, stored).role.scopes for stored in overrides)
    require_may_widen(giver.book, giver.principal, org_id, before, after)
