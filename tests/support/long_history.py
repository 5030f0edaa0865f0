"""Messages and deliveries by the ten thousand, written by the database: for tests of what a list reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import psycopg

from domain.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

ID: Final = """
    (lpad(to_hex((extract(epoch FROM now() - make_interval(secs => %(total)s - n)) * 1000)::bigint), 12, '0') || '7'
     || lpad(to_hex(n %% 4096), 3, '0') || '8' || substr(md5(n::text || %(salt)s), 1, 15))::uuid
"""
"""An id as it would have been made n seconds after the first of a history of `total` seconds that ends now."""


def new_client(connection: psycopg.Connection[Any], org_id: UUID, name: str = "A client") -> UUID:
    """Store a client of an organization, which is stored as well when there is none yet."""
    client_id = new_id()
    connection.execute(
        "INSERT INTO organizations (id, slug, name) VALUES (%s, %s, 'An organization') ON CONFLICT DO NOTHING",
        [org_id, f"org-{org_id}"],
    )
    connection.execute(
        "INSERT INTO clients (id, org_id, slug, name, timezone) VALUES (%s, %s, %s, %s, 'UTC')",
        [client_id, org_id, f"client-{client_id}", name],
    )
    return client_id


def fill_messages(connection: psycopg.Connection[Any], org_id: UUID, client_id: UUID, count: int) -> None:
    """Store texts, one a second up to now; each 1,000th has the word "drain" in it."""
    connection.execute(
        f"""
        INSERT INTO messages (id, org_id, client_id, direction, channel, address, author, body, external_id,
                              correlation_id, received_at, processed_at, outcome)
        SELECT {ID}, %(org)s, %(client)s, 'in', 'sms', '+1212555' || lpad((n %% 5000)::text, 4, '0'), 'contact',
               CASE WHEN n %% 1000 = 0 THEN 'How much is a drain cleaning?' ELSE 'Hello ' || n END,
               'SM' || md5(n::text || %(salt)s), gen_random_uuid(), now() - make_interval(secs => %(total)s - n), now(),
               'answered'
        FROM generate_series(1, %(total)s) n
        """,  # noqa: S608  # a constant
        _parameters(org_id, client_id, count),
    )


def fill_deliveries(
    connection: psycopg.Connection[Any], org_id: UUID, client_id: UUID, count: int, *, purpose: str = "reply"
) -> None:
    """Store deliveries, one a second up to now; each 1,000th failed, everything else was delivered."""
    connection.execute(
        f"""
        INSERT INTO deliveries (id, org_id, client_id, purpose, channel, to_address, body, state, attempts, error_code,
                                created_at, updated_at)
        SELECT {ID}, %(org)s, %(client)s, %(purpose)s, 'sms', '+12125550142', 'Hello',
               CASE WHEN n %% 1000 = 0 THEN 'failed' ELSE 'delivered' END, 1,
               CASE WHEN n %% 1000 = 0 THEN '30003' END, now() - make_interval(secs => %(total)s - n), now()
        FROM generate_series(1, %(total)s) n
        """,  # noqa: S608  # as above
        {**_parameters(org_id, client_id, count), "purpose": purpose},
    )


def _parameters(org_id: UUID, client_id: UUID, count: int) -> Mapping[str, object]:
    return {"org": org_id, "client": client_id, "total": count, "salt": str(new_id())}


def rows_read(connection: psycopg.Connection[Any], table: str) -> int:
    """Return how many rows of a table this transaction has read so far, by scans and by indexes."""
    row = connection.execute(
        "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = %s", [table]
    ).fetchone()
    return 0 if row is None else int(row[0])
