"""Keep what an organization changes of a role, on record; and find what is wrong with what was kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from domain.access.models import RoleOverride
from domain.access.roles.errors import UnknownRoleError
from domain.access.roles.narrow import check
from domain.access.roles.words import sentences
from domain.audit.record import Act, Actor, record
from domain.kernel.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.access.roles.book import Roles
    from domain.access.roles.documents import OverrideDocument

Stored = Mapping[str, Any]
"""What organizations changed: the document of each role, by name. It may be of another release, or edited by hand."""


def set_override(
    session: Session,
    roles: Roles,
    role: str,
    document: OverrideDocument,
    actor: Actor,
    *,
    org_id: UUID,
    reason: str | None = None,
) -> None:
    """Narrow a role for an organization, or change how its pages look; in place of what was changed before.

    Raises:
        UnknownRoleError: there is no such role that can be given.
        InvalidInputError: the override allows more than the file, or names what the role does not have.

    """
    mistakes = check(_given(roles, role), roles.permissions, document)
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
        session.flush()
    record(session, actor, Act("role.override", "role", role, reason, before=before, after=after, org_id=org_id))


def remove_override(
    session: Session, roles: Roles, role: str, actor: Actor, *, org_id: UUID, reason: str | None = None
) -> None:
    """Give an organization a role as its file says. Raises NotFoundError when it changed nothing of it.

    Also of a role whose file is gone, so that what is left of it can be removed.
    """
    statement = delete(RoleOverride).where(RoleOverride.org_id == org_id, RoleOverride.role == role)
    before = session.scalar(statement.returning(RoleOverride.document))
    if before is None:
        _given(roles, role)
        raise NotFoundError(f"The organization has not changed the role {role}.")
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
