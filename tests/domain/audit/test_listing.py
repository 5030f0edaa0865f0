"""What was done is found by every thing one may know of it, page by page, through an index."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import ProgrammingError

from domain.audit import listing
from domain.audit.listing import AuditFilter, Place, all_acts, find_act, list_acts
from domain.audit.models import AuditLog
from domain.audit.record import Act, Actor, record
from domain.kernel.errors import NotFoundError
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from tests.support.audit_lab import ACTOR, AuditLab, organization

pytestmark = pytest.mark.integration
_FILL = """
    INSERT INTO admin_audit_logs (id, org_id, client_id, actor, actor_user_id, role, action, target_type, target_id,
                                  request_id, created_at)
    SELECT gen_random_uuid(), (%(orgs)s::uuid[])[1 + n %% 20], (%(clients)s::uuid[])[1 + n %% 40], 'actor ' || n %% 50,
           (%(users)s::uuid[])[1 + n %% 50], 'operator',
           (ARRAY['job.cancel', 'queue.pause', 'queue.resume'])[1 + n %% 3], 'job', 'j' || n, 'r' || n,
           now() - n * interval '1 minute'
    FROM generate_series(1, %(count)s) n
"""


def test_acts_are_found_by_whatever_is_known_of_them(lab: AuditLab) -> None:
    org_id, client_id, user_id = organization(lab), new_id(), new_id()
    somebody = Actor("sam@example.com", "operator", user_id=user_id, request_id="r2")
    lab.act(action="queue.pause")
    with lab.database.platform_scope() as session:
        act = Act("queue.resume", "queue", "outbound", org_id=org_id, client_id=client_id)
        meant = record(session, somebody, act)
    lab.act(action="job.cancel")
    now = datetime.now(UTC)
    known = [
        AuditFilter(action="queue.resume"),
        AuditFilter(action="queue.r"),
        AuditFilter(actor="sam@example.com"),
        AuditFilter(actor=str(user_id)),
        AuditFilter(org_id=org_id),
        AuditFilter(client_id=client_id),
        AuditFilter(target_type="queue"),
        AuditFilter(target_id="outbound"),
        AuditFilter(request_id="r2"),
        AuditFilter(action="queue", since=now - timedelta(minutes=1), until=now + timedelta(minutes=1), org_id=org_id),
    ]
    with lab.database.platform_scope() as session:
        for which in known:
            assert [entry.id for entry in list_acts(session, which)] == [meant], which
        assert len(list_acts(session, AuditFilter(action="queue"))) == 2
        assert list_acts(session, AuditFilter(until=now - timedelta(minutes=1))) == []
        assert list_acts(session, AuditFilter(since=now + timedelta(minutes=1))) == []


def test_pages_join_without_a_gap_also_where_times_are_equal(lab: AuditLab) -> None:
    lab.fill(20, PLATFORM_ORG_ID)
    lab.tamper("UPDATE admin_audit_logs SET created_at = date_trunc('day', created_at)")
    seen: list[UUID] = []
    after: Place | None = None
    with lab.database.platform_scope() as session:
        while page := list_acts(session, AuditFilter(), limit=3, after=after):
            seen += [entry.id for entry in page]
            after = Place(page[-1].created_at, page[-1].id)
    assert len(seen) == len(set(seen)) == 20
    assert seen == sorted(seen, reverse=True)


def test_all_acts_are_read_in_batches_that_hold_no_transaction_open(lab: AuditLab) -> None:
    lab.fill(listing.BATCH * 2 + 1, PLATFORM_ORG_ID)
    entries = all_acts(lab.database.platform_scope, AuditFilter())
    first = next(entries)
    idle = lab.superuser.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
    ).fetchone()
    assert idle == (0,)
    assert len({first.id, *(entry.id for entry in entries)}) == listing.BATCH * 2 + 1


def test_a_scope_of_one_client_sees_and_records_what_is_of_that_client(lab: AuditLab) -> None:
    org_id, client_id, another = organization(lab), new_id(), new_id()
    for name, of in (("mine", client_id), ("another's", another), ("the organization's", None)):
        with lab.database.tenant_scope(org_id) as session:
            record(session, ACTOR, Act("job.cancel", "job", name, client_id=of))
    with lab.database.tenant_scope(org_id, [client_id]) as session:
        own = record(session, ACTOR, Act("job.run_now", "job", "mine too"))
        assert [entry.target_id for entry in list_acts(session, AuditFilter())] == ["mine too", "mine"]
        assert find_act(session, own).org_id == org_id
        assert find_act(session, own).client_id == client_id
        assert list_acts(session, AuditFilter(client_id=another)) == []
    with lab.database.platform_scope() as session:
        hidden = list_acts(session, AuditFilter(client_id=another))[0].id
    with lab.database.tenant_scope(org_id, [client_id]) as session, pytest.raises(NotFoundError):
        find_act(session, hidden)
    with pytest.raises(ProgrammingError) as refused, lab.database.tenant_scope(org_id, [client_id]) as session:
        record(session, ACTOR, Act("job.cancel", "job", "j", client_id=another))
    assert isinstance(refused.value.orig, InsufficientPrivilege)
    assert lab.findings() == []


def test_an_entry_belongs_to_the_organization_of_its_scope(lab: AuditLab) -> None:
    org_id = organization(lab)
    with lab.database.tenant_scope(org_id) as session:
        record(session, ACTOR, Act("job.cancel", "job", "j1"))
    with lab.database.platform_scope() as session:
        record(session, ACTOR, Act("job.cancel", "job", "j2"))
        assert [(entry.org_id, entry.target_id) for entry in list_acts(session, AuditFilter())] == [
            (PLATFORM_ORG_ID, "j2"),
            (org_id, "j1"),
        ]


@pytest.fixture
def large(lab: AuditLab) -> tuple[AuditLab, list[UUID], list[UUID], list[UUID]]:
    """Fill a log with what twenty organizations did in two months."""
    orgs, clients, users = ([new_id() for _ in range(count)] for count in (20, 40, 50))
    lab.tamper("SET session_replication_role = replica")
    lab.superuser.execute(_FILL, {"orgs": orgs, "clients": clients, "users": users, "count": 60_000})
    lab.tamper("ANALYZE admin_audit_logs")
    return lab, orgs, clients, users


def test_every_search_goes_through_an_index(large: tuple[AuditLab, list[UUID], list[UUID], list[UUID]]) -> None:
    lab, orgs, clients, users = large
    long_ago = datetime.now(UTC) - timedelta(days=30)
    searches = [
        AuditFilter(),
        AuditFilter(action="job.cancel"),
        AuditFilter(action="queue."),
        AuditFilter(actor="actor 7"),
        AuditFilter(actor=str(users[7])),
        AuditFilter(org_id=orgs[7]),
        AuditFilter(client_id=clients[7]),
        AuditFilter(target_id="j777"),
        AuditFilter(request_id="r777"),
        AuditFilter(since=long_ago, until=long_ago + timedelta(hours=1)),
        AuditFilter(until=long_ago),
        AuditFilter(org_id=orgs[7], until=long_ago, action="queue.pause"),
    ]
    for which in searches:
        with lab.database.platform_scope() as session:
            assert rows_read(session.connection(), which) <= 2_500, which
        if which.org_id is None:
            with lab.database.tenant_scope(orgs[3]) as session:
                assert rows_read(session.connection(), which) <= 2_500, which


def rows_read(connection: Any, which: AuditFilter) -> int:  # noqa: ANN401
    """Return how many rows of the table a page costs. Fails on a scan of the whole table."""
    query = select(AuditLog).where(*which.conditions())
    query = query.order_by(AuditLog.created_at.desc(), AuditLog.id.desc()).limit(50)
    literal = str(query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))  # type: ignore[no-untyped-call]
    (plan,) = connection.execute(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {literal}".replace(":", r"\:"))).scalar()
    return _read(plan["Plan"])


def _read(node: dict[str, Any]) -> int:
    assert node["Node Type"] != "Seq Scan"
    own = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) if node.get("Relation Name") else 0
    return int(own) + sum(_read(below) for below in node.get("Plans", []))
