"""Browsers that signed in: opened with a new token each time, found by one query a request, ended by people or time.

All of it needs a platform scope. Only SHA-256 of a token is kept. That is enough for 256 random bits.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, text, update

from domain.access.models import UserSession
from domain.access.principal import Grant
from domain.access.standing import require_standing
from domain.access.view_as import View, note_ended
from domain.kernel.redaction import redact_email

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LIFETIME: Final = timedelta(hours=12)
"""How long a session lasts at most, unless the settings say otherwise."""
IDLE: Final = timedelta(hours=2)
"""How long a session lasts without a request, unless the settings say otherwise."""
SEEN_EVERY: Final = timedelta(minutes=1)
"""A session is written to no more often than this, however many requests it makes."""
_TOKEN_BYTES: Final = 32
_LONGEST_AGENT: Final = 500


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A session that lasts, and all that is needed to know what its holder may do.

    `user_id` is None for the admin token's, whose `admin_token_mark` the caller still has to compare. `name` is what
    the audit log calls them. `grants`: what counts, so nothing that they have yet to accept. `reports`: who reports to
    them over all levels, as pairs of organization and user. `view` is what they see the pages as; `view_ran_out`: it
    has just ended by itself, which `view_as.end_overdue` still has to write down. `chosen_org_id`: what they chose,
    which may be theirs no longer.
    """

    token_hash: bytes
    user_id: UUID | None
    email: str | None
    name: str
    admin_token_mark: str | None
    grants: tuple[Grant, ...]
    reports: frozenset[tuple[UUID, UUID]]
    created_at: datetime
    expires_at: datetime
    second_factor_at: datetime | None
    timezone: str | None
    view: View | None
    view_ran_out: bool
    chosen_org_id: UUID | None


@dataclass(frozen=True, slots=True)
class ListedSession:
    """One of somebody's sessions as they see it. `id` names it and opens nothing."""

    id: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ip: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose sessions are meant: a user's, or those that one admin token opened."""

    user_id: UUID | None = None
    admin_token_mark: str | None = None


def hash_of(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def open_session(
    session: Session,
    *,
    user_id: UUID | None,
    standing: str = "",
    now: datetime,
    ip: str | None,
    user_agent: str | None,
    second_factor: bool,
    admin_token_mark: str | None = None,
    lifetime: timedelta = LIFETIME,
) -> str:
    """Open a session for a user, or for a holder of the admin token, and return its token.

    The token is always a new one: nothing that a browser sent before it signed in becomes a session. Of a user,
    `standing` is what was checked to let them in. Raises TurnedAwayError when it holds no more; takes the user's row
    before any session's, as everybody does who ends sessions of a user.
    """
    if user_id is not None:
        require_standing(session, user_id, standing)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    session.add(
        UserSession(
            token_hash=hash_of(token),
            user_id=user_id,
            admin_token_mark=admin_token_mark,
            created_at=now,
            last_seen_at=now,
            expires_at=now + lifetime,
            second_factor_at=now if second_factor else None,
            ip=ip,
            user_agent=user_agent and user_agent[:_LONGEST_AGENT],
        )
    )
    session.flush()
    return token


# A write that finds nothing to write costs no transaction id; so most requests only read.
_FIND: Final = text("""
    WITH RECURSIVE found AS MATERIALIZED (
        SELECT s.*, u.email, u.name, u.timezone FROM user_sessions s LEFT JOIN users u ON u.id = s.user_id
        WHERE s.token_hash = :token_hash AND s.expires_at > :now AND s.last_seen_at > :idle_since
            AND u.disabled_at IS NULL
    ), seen AS (
        UPDATE user_sessions s SET last_seen_at = :now FROM found
        WHERE s.token_hash = found.token_hash AND s.last_seen_at < :seen_before
    ), below (org_id, user_id) AS (
        SELECT m.org_id, m.user_id FROM found
        JOIN memberships m ON m.reports_to = found.user_id AND m.accepted_at IS NOT NULL
        UNION
        SELECT m.org_id, m.user_id FROM below b
        JOIN memberships m ON m.reports_to = b.user_id AND m.org_id = b.org_id AND m.accepted_at IS NOT NULL
    )
    SELECT found.*, v.name AS view_client_name,
        (SELECT jsonb_agg(jsonb_build_array(m.role, m.org_id, m.client_id)) FROM memberships m
         WHERE m.user_id = found.user_id AND m.accepted_at IS NOT NULL) AS grants,
        (SELECT jsonb_agg(jsonb_build_array(b.org_id, b.user_id)) FROM below b
         WHERE b.user_id <> found.user_id) AS reports
    FROM found LEFT JOIN clients v ON v.org_id = found.view_org_id AND v.id = found.view_client_id
""")


def find_session(session: Session, token: str, now: datetime, idle: timedelta = IDLE) -> FoundSession | None:
    """Return the session of a token; None for one that is unknown, over, idle for too long, or of a disabled user."""
    times = {"now": now, "idle_since": now - idle, "seen_before": now - SEEN_EVERY}
    row = session.execute(_FIND, {"token_hash": hash_of(token), **times}).mappings().one_or_none()
    if row is None:
        return None
    viewing = row["view_until"] is not None
    view = View(
        row["view_org_id"], row["view_client_id"], row["view_client_name"], row["view_until"], writes=row["view_writes"]
    )
    lasts = viewing and row["view_until"] > now
    return FoundSession(
        token_hash=bytes(row["token_hash"]),
        user_id=row["user_id"],
        email=row["email"],
        name=row["name"] or (redact_email(row["email"]) if row["email"] else "admin token"),
        admin_token_mark=row["admin_token_mark"],
        grants=tuple(_grant(*given) for given in row["grants"] or ()),
        reports=frozenset((UUID(org_id), UUID(user_id)) for org_id, user_id in row["reports"] or ()),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        second_factor_at=row["second_factor_at"],
        timezone=row["timezone"],
        view=view if lasts else None,
        view_ran_out=viewing and not lasts,
        chosen_org_id=row["chosen_org_id"],
    )


def choose_organization(session: Session, token_hash: bytes, org_id: UUID | None) -> None:
    """Let a session's pages be about an organization, None for none in particular. It gives no access to it."""
    chosen = update(UserSession).where(UserSession.token_hash == token_hash).values(chosen_org_id=org_id)
    session.execute(chosen)


def end_session(session: Session, token: str) -> bool:
    """End the session of a token; False when there is none."""
    return _end(session, UserSession.token_hash == hash_of(token)) == 1


def end_sessions_of(session: Session, user_id: UUID, *, but: bytes | None = None) -> int:
    """End all sessions of a user, except the one with the token hash `but`; return how many."""
    return end_sessions(session, Owner(user_id), but=but)


def end_sessions(session: Session, owner: Owner, *, but: bytes | None = None) -> int:
    """End all sessions of an owner, except the one with the token hash `but`; return how many."""
    theirs = _of(owner)
    return _end(session, theirs if but is None else theirs & (UserSession.token_hash != but))


def end_listed(session: Session, owner: Owner, listed_id: str) -> bool:
    """End one session of an owner by the id that it is listed with; False when they have none such."""
    hashes = session.scalars(select(UserSession.token_hash).where(_of(owner)))
    return any(_end(session, UserSession.token_hash == one) for one in hashes if listed_as(one) == listed_id)


def end_expired(session: Session, now: datetime) -> int:
    """Delete sessions whose time is over; return how many. Idle ones go with it, hours later: they open nothing."""
    return _end(session, UserSession.expires_at <= now)


def list_sessions(session: Session, owner: Owner, now: datetime, idle: timedelta = IDLE) -> Sequence[ListedSession]:
    """Return the sessions of an owner that last, the one seen last first."""
    query = (
        select(UserSession)
        .where(_of(owner), UserSession.expires_at > now, UserSession.last_seen_at > now - idle)
        .order_by(UserSession.last_seen_at.desc(), UserSession.token_hash)
    )
    return [
        ListedSession(
            listed_as(one.token_hash),
            one.created_at,
            one.last_seen_at,
            one.expires_at,
            None if one.ip is None else str(one.ip),
            one.user_agent,
        )
        for one in session.scalars(query)
    ]


def listed_as(token_hash: bytes) -> str:
    """Return the id that a session is listed with: a hash of the hash, so that a list holds nothing that is stored."""
    return hashlib.sha256(b"listed:" + token_hash).hexdigest()[:32]


def _of(owner: Owner) -> ColumnElement[bool]:
    if owner.user_id is not None:
        return UserSession.user_id == owner.user_id
    return UserSession.admin_token_mark == owner.admin_token_mark


def _end(session: Session, which: ColumnElement[bool]) -> int:
    ended = session.execute(delete(UserSession).where(which).returning(UserSession)).scalars().all()
    note_ended(session, ended, "the session ended")
    return len(ended)


def _grant(role: str, org_id: str, client_id: str | None) -> Grant:
    return Grant(role, UUID(org_id), None if client_id is None else UUID(client_id))
