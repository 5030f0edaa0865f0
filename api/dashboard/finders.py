"""Finders of clients, organizations and jobs.

Clients and organizations are as many as customers are; their names are looked for in all that are within reach, as the
lists of the administration API do.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from sqlalchemy import Select, select

from api.dashboard.finder import FEW, Asked, Hit
from domain.clients.listing import Which, list_with_organizations
from domain.clients.models import Client
from domain.queue.models import Job
from domain.tenancy.listing import get_organization, list_organizations
from domain.tenancy.models import Organization
from domain.tenancy.resolve import OrganizationNotFoundError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from api.access.requires import Access
    from domain.kernel.database import Database

_SHORTEST: Final = 2
"""Names are looked for by this many letters or more."""


class ClientFinder:
    """Clients by id, number, slug and name."""

    title = "Clients"
    takes = "a client's name, number or id"
    permission = "clients.view"

    def find(self, access: Access, asked: Asked, database: Database) -> Sequence[Hit]:  # noqa: ARG002 - of the protocol
        """Return the clients with this id or number, or with these letters in their name or slug."""
        query = select(Client, Organization).join(Organization, Organization.id == Client.org_id)
        with access.scope() as session:
            if asked.uuid is not None:
                found = _rows(session, query.where(Client.id == asked.uuid))
            elif asked.phone is not None:
                found = _rows(session, query.where(Client.sms_number == asked.phone))
            elif is_name(asked):
                found = list_with_organizations(session, Which(search=asked.words, archived=None), limit=FEW)
            else:
                found = []
            return [
                Hit(client.name, f"/dashboard/clients/{client.id}", joined(client.sms_number, of.name))
                for client, of in found
            ]


class OrganizationFinder:
    """Organizations by id, slug and name."""

    title = "Organizations"
    takes = "an organization's name or id"
    permission = "organizations.view"

    def find(self, access: Access, asked: Asked, database: Database) -> Sequence[Hit]:  # noqa: ARG002 - of the protocol
        """Return the organizations with this id, or with these letters in their name or slug."""
        found: Sequence[Organization] = []
        with access.scope() as session:
            if asked.uuid is not None:
                with suppress(OrganizationNotFoundError):
                    found = [get_organization(session, asked.uuid)]
            elif is_name(asked):
                found = list_organizations(session, search=asked.words, limit=FEW)
            return [Hit(one.name, f"/dashboard/organizations/{one.id}", one.slug) for one in found]


class JobFinder:
    """Jobs by id."""

    title = "Jobs"
    takes = "the id of a job"
    permission = "queues.view"

    def find(self, access: Access, asked: Asked, database: Database) -> Sequence[Hit]:  # noqa: ARG002 - of the protocol
        """Return the job with this id."""
        if asked.uuid is None:
            return []
        with access.platform() as session:
            job = session.get(Job, asked.uuid)
            return [] if job is None else [Hit(job.kind, f"/dashboard/jobs/{job.id}", joined(job.state, str(job.id)))]


def _rows(session: Session, query: Select[Client, Organization]) -> Sequence[tuple[Client, Organization]]:
    return [(client, of) for client, of in session.execute(query)]


def is_name(asked: Asked) -> bool:
    """Whether what was typed can be (part of) a name."""
    return asked.sid is None and asked.phone is None and len(asked.words) >= _SHORTEST


def joined(*parts: str | None) -> str:
    """Return what there is of these, with commas."""
    return ", ".join(part for part in parts if part)
