"""What the house's own database says of a run: why texts were not answered, and whether work is left."""

from __future__ import annotations

from typing import Final

import psycopg

from tests.chaos.account import Reasons


def reasons_of(database_url: str) -> Reasons:
    """Ask the house's database why texts were not answered."""
    with psycopg.connect(database_url) as connection:
        person: dict[str, str] = dict(connection.execute(_PERSON).fetchall())
        suppressed: dict[str, str] = dict(connection.execute(_SUPPRESSED).fetchall())
        looked_into: dict[str, str] = dict(connection.execute(_LOOKED_INTO).fetchall())
        row = connection.execute(_JOBS).fetchone()
    assert row is not None
    return Reasons(person, suppressed, looked_into, row[0], row[2])


def open_jobs(database_url: str) -> int:
    """Return how many jobs that lead to a text are not at their end."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(_JOBS).fetchone()
    return row[1] if row else 0


_PERSON: Final = """
    SELECT d.to_address, 'delivery ' || d.state || ': ' || coalesce(j.last_error, d.error_text, '')
    FROM deliveries d LEFT JOIN jobs j ON j.kind = 'delivery.send' AND j.args->>'delivery_id' = d.id::text
    WHERE d.asked_person_at IS NOT NULL OR j.state = 'dead'
    UNION ALL
    SELECT args->>'address', 'job ' || kind || ': ' || coalesce(last_error, '')
    FROM jobs WHERE state = 'dead' AND args ? 'address'
"""
_SUPPRESSED: Final = """
    SELECT address, 'message ' || outcome FROM messages WHERE direction = 'in' AND outcome = 'suppressed'
    UNION ALL
    SELECT to_address, 'delivery ' || state || ': ' || coalesce(error_text, '') FROM deliveries
    WHERE state IN ('cancelled', 'failed')
"""
_LOOKED_INTO: Final = """
    SELECT d.to_address, string_agg(l.outcome, ', ' ORDER BY l.started_at)
    FROM deliveries d JOIN notification_logs l ON l.delivery_id = d.id
    GROUP BY d.to_address HAVING count(*) > 1 OR bool_or(l.outcome <> 'accepted')
"""
_JOBS: Final = """
    SELECT count(*) FILTER (WHERE state = 'dead'),
           count(*) FILTER (WHERE state IN ('available', 'executing', 'scheduled', 'retryable')
                            AND kind IN ('conversations.process', 'delivery.send')),
           (SELECT count(*) FROM deliveries WHERE asked_person_at IS NOT NULL)
    FROM jobs
"""
