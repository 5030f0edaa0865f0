"""A database with audit entries, and a hand that tampers with them as nobody should be able to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg

from domain.audit.record import Act, Actor, record
from domain.audit.verify import Verified, verify
from domain.kernel.database import Database
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from tests.support.databases import DatabaseUrls

ACTOR = Actor("night shift", "operator", ip="192.0.2.7", request_id="r1")
# Ids grow as ours do; PostgreSQL makes UUIDv7 itself only from 18 on.
_FILL = """
    INSERT INTO admin_audit_logs (id, org_id, actor, role, action, target_type, target_id, after)
    SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '70008'
               || lpad(to_hex(n), 15, '0'))::uuid,
           %s, 'made', 'operator', 'job.cancel', 'job', 'j' || n, jsonb_build_object('n', n)
    FROM generate_series(1, %s) n
"""


@dataclass
class AuditLab:
    """The scopes of the application, and a superuser's connection in autocommit."""

    urls: DatabaseUrls
    database: Database
    superuser: psycopg.Connection[tuple[object, ...]]

    def act(self, org_id: UUID = PLATFORM_ORG_ID, action: str = "job.cancel", target: str = "j1") -> UUID:
        """Record one act in a transaction of its own."""
        with self.database.platform_scope() as session:
            return record(session, ACTOR, Act(action, "job", target, org_id=org_id))

    def acts(self, count: int, org_id: UUID = PLATFORM_ORG_ID) -> list[UUID]:
        """Record acts one after the other."""
        return [self.act(org_id, target=f"j{number}") for number in range(count)]

    def fill(self, count: int, org_id: UUID) -> None:
        """Record many acts in one transaction."""
        self.superuser.execute(_FILL, [org_id, count])

    def tamper(self, statement: str, *parameters: object) -> int:
        """Do what only a superuser can; return how many rows it was done to."""
        return self.superuser.execute(statement.encode(), parameters or None).rowcount

    def verified(self, org_id: UUID | None = None) -> list[Verified]:
        """Verify, as the command does."""
        return list(verify(self.database.platform_scope, org_id))

    def findings(self, org_id: UUID | None = None) -> list[tuple[str, int | None, int | None]]:
        """Return what is wrong: the kind, and the numbers of the first and the last entry."""
        found = [finding for one in self.verified(org_id) for finding in one.findings]
        return [(finding.kind.value, finding.first, finding.last) for finding in found]

    def sequences(self, org_id: UUID) -> Sequence[int]:
        """Return the numbers of an organization's entries in the order of their ids."""
        rows = self.superuser.execute("SELECT sequence FROM admin_audit_logs WHERE org_id = %s ORDER BY id", [org_id])
        return [int(str(row[0])) for row in rows.fetchall()]


@contextmanager
def audit_lab(urls: DatabaseUrls) -> Iterator[AuditLab]:
    """Open the lab on a migrated database."""
    with (
        closing(Database(urls.app, urls.platform, pool_size=8)) as database,
        psycopg.connect(urls.superuser, autocommit=True) as superuser,
    ):
        yield AuditLab(urls, database, superuser)


def organization(lab: AuditLab) -> UUID:
    """Make an organization."""
    org_id = new_id()
    lab.superuser.execute(
        "INSERT INTO organizations (id, slug, name) VALUES (%s, %s, 'An organization')",
        [org_id, f"o{org_id.hex[-12:]}"],
    )
    return org_id
