"""Write an entry, in the transaction of the act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

from config.telemetry import AUDIT_ENTRIES, begin_at_zero
from domain.audit.actions import ACTIONS, UnknownActionError
from domain.audit.models import AuditLog
from domain.kernel.database import after_commit
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from domain.kernel.redaction import redact, redact_text

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_LONGEST: Final = 500
begin_at_zero(AUDIT_ENTRIES, ((action,) for action in ACTIONS))


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person's or an account's name, its role, and where the request came from when there is one.

    `role` is all of their roles in words. Of a person whose roles are in several places, `held` says which is where, by
    the id of the organization: each organization's log names those there and on the platform. `viewing_as`: the role as
    which they see the pages.
    """

    name: str
    role: str
    user_id: UUID | None = None
    ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    held: tuple[tuple[str, UUID], ...] = ()
    viewing_as: str = ""

    def role_in(self, org_id: UUID) -> str:
        """Return the roles as the log of an organization names them: what somebody is elsewhere is not its."""
        if not self.held or org_id == PLATFORM_ORG_ID:
            return self.role
        theirs = {role for role, place in self.held if place in {org_id, PLATFORM_ORG_ID}}
        words = ", ".join(sorted(theirs)) or "none"
        return f"{words} as {self.viewing_as}" if self.viewing_as else words


@dataclass(frozen=True, slots=True)
class Act:
    """What was done. `action` is `<thing>.<verb>`, such as "dead_letter.requeue"; `before` and `after` are JSON.

    `org_id` None: the organization of the scope, the platform's own in a platform scope. `client_id` None: the client
    of a scope that is narrowed to one.
    """

    action: str
    target_type: str
    target_id: str
    reason: str | None = None
    before: Mapping[str, object] | None = None
    after: Mapping[str, object] | None = None
    org_id: UUID | None = None
    client_id: UUID | None = None


def record(session: Session, actor: Actor, act: Act) -> UUID:
    """Record an act in the session's transaction and return the entry's id. Secrets and personal data are redacted.

    Raises UnknownActionError for an action that `domain.audit.actions` does not name.
    """
    if act.action not in ACTIONS:
        raise UnknownActionError(act.action)
    org_id = act.org_id or session.info.get("org_id", PLATFORM_ORG_ID)
    entry = AuditLog(
        id=new_id(),
        org_id=org_id,
        client_id=act.client_id or _only_client(session),
        actor=redact_text(actor.name),  # Somebody without a name goes by their address.
        actor_user_id=actor.user_id,
        role=actor.role_in(org_id),
        action=act.action,
        target_type=act.target_type,
        target_id=act.target_id,
        before=_redacted(act.before),
        after=_redacted(act.after),
        reason=act.reason and redact_text(act.reason),
        ip=actor.ip,
        user_agent=actor.user_agent and actor.user_agent[:_LONGEST],
        request_id=actor.request_id,
    )
    session.add(entry)
    session.flush()
    after_commit(session, AUDIT_ENTRIES.labels(act.action).inc)
    return entry.id


def _only_client(session: Session) -> UUID | None:
    clients: frozenset[UUID] = session.info.get("client_ids", frozenset())
    return next(iter(clients)) if len(clients) == 1 else None


def _redacted(shown: Mapping[str, object] | None) -> dict[str, object] | None:
    return None if shown is None else cast("dict[str, object]", redact(dict(shown)))
