"""What the gate did not let pass is found without reading what it did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import event

from domain.gate.blocks import WhichBlocks, list_blocks
from domain.gate.guards import Guard
from domain.kernel.database import Database, raw_connection
from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ORG, CLIENT = UUID(int=1), UUID(int=2)
ROWS = 60_000
SHOWN = 50
# One in a hundred was blocked; ids in the order of time.
_HISTORY = b"""
    INSERT INTO guard_logs (id, org_id, client_id, subject, guard, allowed, block, reason, rule_version, decided_at)
    SELECT (lpad(to_hex((extract(epoch FROM now() - n * interval '1 minute') * 1000)::bigint), 12, '0')
            || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
        %(org)s, %(client)s, 'message:1', CASE WHEN n %% 200 = 0 THEN 'can_send_sms' ELSE 'billing_in_order' END,
        n %% 100 <> 0, CASE WHEN n %% 100 = 0 THEN 'hard' END, 'why', '3', now() - n * interval '1 minute'
    FROM generate_series(1, %(rows)s) n
"""


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[Database]:
    with psycopg.connect(database_urls.superuser) as connection:
        connection.execute("INSERT INTO organizations (id, slug, name) VALUES (%s, 'a1', 'A')", [ORG])
        connection.execute("INSERT INTO clients (id, org_id, slug, name) VALUES (%s, %s, 'a1', 'A')", [CLIENT, ORG])
        connection.execute(_HISTORY, {"org": ORG, "client": CLIENT, "rows": ROWS})
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE guard_logs")
    opened = Database(database_urls.app, database_urls.platform)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "which",
    [
        WhichBlocks(),
        WhichBlocks(org_id=ORG),
        WhichBlocks(client_id=CLIENT),
        WhichBlocks(guard=Guard.CAN_SEND_SMS),
        WhichBlocks(since=datetime(2020, 1, 1, tzinfo=UTC)),
    ],
    ids=["all", "organization", "client", "guard", "time"],
)
def test_a_list_of_blocks_reads_no_more_than_it_shows(database: Database, which: WhichBlocks) -> None:
    with database.platform_scope() as session:
        asked: list[tuple[str, Any]] = []
        event.listen(session.get_bind(), "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
        found = list_blocks(session, which, limit=SHOWN)
        assert len(found) == SHOWN
        assert not any(one.allowed for one in found)
        statement, parameters = next(one for one in asked if "guard_logs" in one[0])
        explained = raw_connection(session).execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}".encode(), parameters)
        plan = explained.fetchall()[0][0][0]["Plan"]
    assert _read(plan) <= SHOWN + 1, plan


def test_pages_follow_each_other_and_end(database: Database) -> None:
    seen: list[UUID] = []
    since = datetime.now(UTC) - timedelta(minutes=1_050)
    with database.platform_scope() as session:
        while page := list_blocks(session, WhichBlocks(since=since), limit=4, after=seen[-1] if seen else None):
            seen += [one.id for one in page]
    assert len(seen) == 10
    assert seen == sorted(seen, reverse=True)


def _read(plan: dict[str, Any]) -> int:
    """Return how many rows of tables a plan read, those that it filtered away included."""
    below = sum(_read(one) for one in plan.get("Plans", ()))
    if "Relation Name" not in plan:
        return below
    return below + int((plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"])
