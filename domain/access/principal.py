"""Somebody, or some machine, that asks for something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Kind = Literal["user", "api_key", "bearer_token", "admin_token"]


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in an organization, or for one client of it; in the platform's own organization it counts everywhere."""

    role: str
    org_id: UUID
    client_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, and what they were given.

    `id`: of the user or the API key. `permissions`: what a key or a token is narrowed to, None for all that its roles
    have. `reports`: users who report to this one. `read_only`: nothing may be changed, as while viewing as somebody.
    `org_id`: the organization that the credentials themselves name, as an API key's do.
    """

    kind: Kind
    name: str
    grants: tuple[Grant, ...]
    id: UUID | None = None
    org_id: UUID | None = None
    permissions: frozenset[str] | None = None
    reports: frozenset[UUID] = frozenset()
    read_only: bool = False

    @property
    def role(self) -> str:
        """The roles in words, for the audit log."""
        return ", ".join(sorted({grant.role for grant in self.grants})) or "none"
