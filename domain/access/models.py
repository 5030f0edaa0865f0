"""The tables of people, what they were given, their sessions, and machines' keys.

Constraints and defaults are the database's; the migrations hold them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, FetchedValue, Text, func
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base

TokenPurpose = Literal["invite", "verify_email", "reset_password"]


class User(Base):
    """A person with an account. It is the platform's: what they may do in an organization, memberships say.

    `email` is in lower case. `password_hash` is Argon2id's, None for who signs in elsewhere or was only invited.
    `sealed_totp_secret` counts once `totp_confirmed_at` is set; `totp_last_step` keeps a code from being used twice.
    """

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text, server_default=FetchedValue())
    timezone: Mapped[str | None] = mapped_column(Text)
    password_hash: Mapped[str | None] = mapped_column(Text, deferred=True)
    password_changed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    email_verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    disabled_reason: Mapped[str | None] = mapped_column(Text)
    sealed_totp_secret: Mapped[str | None] = mapped_column(Text, deferred=True)
    totp_confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=FetchedValue(), onupdate=func.now()
    )


class Membership(Base):
    """A role that somebody was given in an organization, or for one client of it.

    In the platform's own organization it is a role on the platform. `reports_to`: whose subordinate they are there. It
    counts from `accepted_at` on: until then it is an invitation (`consent`), of which the organization knows no more
    than the `invited_address` that was typed. `created_at` and `created_by` are of the latest one.
    """

    __tablename__ = "memberships"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID | None]
    user_id: Mapped[UUID]
    role: Mapped[str] = mapped_column(Text)
    reports_to: Mapped[UUID | None]
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    accepted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    invited_address: Mapped[str | None] = mapped_column(Text)


class UserSession(Base):
    """A browser that signed in; `token_hash` is SHA-256 of what its cookie holds.

    A session without a user is the admin token's: `admin_token_mark` is a mark of the token that opened it. While
    `view_until` has not passed, it sees the pages as somebody of that client, and changes nothing unless `view_writes`.
    `chosen_org_id`: which of their organizations the pages are about; it lets nobody into one that is not theirs.
    """

    __tablename__ = "user_sessions"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID | None]
    admin_token_mark: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    last_seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    second_factor_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ip: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None] = mapped_column(Text)
    view_org_id: Mapped[UUID | None]
    view_client_id: Mapped[UUID | None]
    view_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    view_writes: Mapped[bool] = mapped_column(server_default=FetchedValue())
    view_reason: Mapped[str | None] = mapped_column(Text)
    chosen_org_id: Mapped[UUID | None]


class AccountToken(Base):
    """What a letter to a person holds, for one purpose and one use; `token_hash` is its SHA-256."""

    __tablename__ = "account_tokens"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    purpose: Mapped[TokenPurpose] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class RecoveryCode(Base):
    """One of the codes that stand in for a lost second factor, each for one use."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class GuessCount(Base):
    """Wrong guesses of a password or a code of late; `key_hash` says whose, without a name (`lockout`).

    Also, by a key of its own, the letters that others had written to somebody (`letter_limit`).
    """

    __tablename__ = "guess_counts"

    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    locked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class OidcIdentity(Base):
    """Who somebody is at an OpenID provider."""

    __tablename__ = "oidc_identities"

    issuer: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    user_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())


class ApiKey(Base):
    """A machine's key: it has a role in an organization, or for one client, narrowed to `scopes` (permissions).

    `prefix` tells keys apart; `secret_hash` is SHA-256 of the whole key; `replaces`: which it was rotated from.
    `created_by_user`: None for one that no person with an account made.
    """

    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    client_id: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(Text, unique=True)
    secret_hash: Mapped[bytes] = mapped_column(deferred=True)
    role: Mapped[str] = mapped_column(Text)
    scopes: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    created_by: Mapped[str] = mapped_column(Text)
    created_by_user: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=FetchedValue())
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    replaces: Mapped[UUID | None]


class RoleOverride(Base):
    """What an organization changes of a role: it may narrow what is allowed, and change how the pages look."""

    __tablename__ = "role_overrides"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(Text, primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=FetchedValue(), onupdate=func.now()
    )
