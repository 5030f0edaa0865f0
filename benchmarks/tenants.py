"""The past of a house with many tenants: jobs and attempts, messages and deliveries, and what was counted of them."""

from __future__ import annotations

from typing import Final, LiteralString

import psycopg

TENANTS: Final = 100
JOBS: Final = 1_000_000
ATTEMPTS_EACH: Final = 10
MESSAGES: Final = 200_000
_CHUNK: Final = 100_000

_ORG: Final = "('01930000-0000-7000-8000-' || lpad((n %% {tenants})::text, 12, '0'))::uuid"
_CLIENT: Final = "('01930000-0000-7000-8001-' || lpad((n %% {tenants})::text, 12, '0'))::uuid"
_TENANTS: Final = (
    "INSERT INTO organizations (id, slug, name) SELECT {org}, 't' || n, 'Tenant ' || n"
    " FROM generate_series(0, {tenants} - 1) n ON CONFLICT DO NOTHING",
    "INSERT INTO clients (id, org_id, slug, name) SELECT {client}, {org}, 'c' || n, 'Client ' || n"
    " FROM generate_series(0, {tenants} - 1) n",
)
# Nine of ten were done at once, the tenth is of every other sort; the last month, evenly.
_JOBS: Final = """
    INSERT INTO jobs (id, org_id, kind, queue, args, state, run_at, attempt, max_attempts, correlation_id, created_at,
                      attempted_at, finished_at, last_error, error_class, fingerprint, announced_at)
    SELECT id, {org}, 'benchmark.kind_' || n %% 8, 'default', '{{"number": 1}}', state, at, 10, 12, id, at, at, at,
           CASE WHEN state <> 'completed' THEN 'The provider answered 500.' END,
           CASE WHEN state <> 'completed' THEN 'ProviderError' END,
           CASE WHEN state <> 'completed' THEN 'cause ' || n %% 40 END, at
    FROM (SELECT n, now() - interval '28 days' * (1 - n::float8 / %(all)s) AS at,
                 uuidv7(interval '28 days' * (n::float8 / %(all)s - 1)) AS id,
                 CASE WHEN n %% 100 = 0 THEN 'dead' WHEN n %% 100 = 1 THEN 'cancelled' ELSE 'completed' END AS state
          FROM generate_series(%(from)s::integer, %(to)s::integer) n) made
"""
_ATTEMPTS: Final = """
    INSERT INTO job_attempts (job_id, attempt, org_id, worker_id, started_at, finished_at, outcome, reason, error_class)
    SELECT id, a, org_id, ('00000000-0000-7000-8000-' || lpad((a %% 4)::text, 12, '0'))::uuid,
           attempted_at + a * interval '1 ms', finished_at,
           CASE WHEN a < 10 THEN 'retry' WHEN state = 'dead' THEN 'dead' ELSE 'completed' END,
           CASE WHEN a < 10 THEN 'The provider answered 500.' END, CASE WHEN a < 10 THEN 'ProviderError' END
    FROM jobs CROSS JOIN generate_series(1, %(each)s) a
"""
_MESSAGES: Final = """
    INSERT INTO messages (id, org_id, client_id, direction, channel, address, author, body, external_id,
                          correlation_id, received_at, processed_at)
    SELECT id, {org}, {client}, 'in', 'sms', '+1202555' || lpad((n %% 10000)::text, 4, '0'), 'contact', 'A text', id,
           id, at, at
    FROM (SELECT n, now() - interval '28 days' * (1 - n::float8 / %(all)s) AS at,
                 uuidv7(interval '28 days' * (n::float8 / %(all)s - 1)) AS id
          FROM generate_series(1, %(all)s::integer) n) made
"""
_DELIVERIES: Final = """
    INSERT INTO deliveries (id, org_id, client_id, message_id, purpose, channel, to_address, body, state,
                            correlation_id, created_at, updated_at, attempts)
    SELECT uuidv7(received_at - now()), org_id, client_id, id, 'reply', 'sms', address, 'A reply',
           CASE WHEN random() < 0.02 THEN 'failed' ELSE 'delivered' END, correlation_id, received_at, received_at, 1
    FROM messages
"""
_COUNTS: Final = """
    INSERT INTO job_statistics (org_id, step, at, kind, queue, completed, retried, dead, waits, runs)
    SELECT {org}, step, date_bin(width, now(), 'epoch') - width * ago, CASE k WHEN 8 THEN '' ELSE 'benchmark.kind_' || k
           END, CASE k WHEN 8 THEN '' ELSE 'default' END, 90, 5, 1, array_fill(4, ARRAY[24]), array_fill(4, ARRAY[24])
    FROM generate_series(0, {tenants} - 1) n
        CROSS JOIN (VALUES ('minute', interval '1 minute', 60), ('ten_minutes', '10 minutes', 144),
                           ('hour', '1 hour', 168)) s (step, width, points)
        CROSS JOIN generate_series(0, points - 1) ago CROSS JOIN generate_series(0, 8) k
"""
_COUNTS_TOGETHER: Final = """
    INSERT INTO platform_job_statistics (step, at, kind, queue, completed, retried, dead, waits, runs)
    SELECT step, at, kind, queue, sum(completed), sum(retried), sum(dead), array_fill(400, ARRAY[24]),
           array_fill(400, ARRAY[24])
    FROM job_statistics GROUP BY step, at, kind, queue
"""
_ACTIVITIES: Final = """
    INSERT INTO activity_statistics (org_id, client_id, step, at, activity, label, times)
    SELECT {org}, CASE WHEN whole THEN NULL ELSE {client} END, step, date_bin(width, now(), 'epoch') - width * ago,
           activity, label, 3
    FROM generate_series(0, {tenants} - 1) n
        CROSS JOIN (VALUES ('minute', interval '1 minute', 60), ('ten_minutes', '10 minutes', 144),
                           ('hour', '1 hour', 168)) s (step, width, points)
        CROSS JOIN generate_series(0, points - 1) ago CROSS JOIN unnest(ARRAY[true, false]) whole
        CROSS JOIN (VALUES ('received', 'sms'), ('replied', 'sms'), ('delivery', 'sms.delivered'),
                           ('delivery', 'sms.failed'), ('blocked', 'opted_out')) a (activity, label)
"""
_ACTIVITIES_TOGETHER: Final = """
    INSERT INTO platform_activity_statistics (step, at, activity, label, times)
    SELECT step, at, activity, label, sum(times) FROM activity_statistics WHERE client_id IS NULL
    GROUP BY step, at, activity, label
"""
_TABLES: Final = (
    "jobs", "job_attempts", "messages", "deliveries", "job_statistics", "platform_job_statistics",
    "activity_statistics", "platform_activity_statistics",
)  # fmt: skip


def make_tenants(connection: psycopg.Connection[object], tenants: int = TENANTS) -> None:
    """Make organizations, each with a client; the ids of the first ones are those that benchmarks' jobs belong to."""
    for statement in _TENANTS:
        connection.execute(_plain(statement, tenants))


def make_past(connection: psycopg.Connection[object], *, scale: float = 1.0, tenants: int = TENANTS) -> None:
    """Write what a month leaves behind, then what a database of that age has: a vacuum."""
    jobs, messages = int(JOBS * scale), int(MESSAGES * scale)
    make_tenants(connection, tenants)
    for start in range(1, jobs + 1, _CHUNK):
        connection.execute(_with(_JOBS, tenants), {"all": jobs, "from": start, "to": min(jobs, start + _CHUNK - 1)})
    connection.execute(_ATTEMPTS, {"each": ATTEMPTS_EACH})
    connection.execute(_with(_MESSAGES, tenants), {"all": messages})
    for statement in (_DELIVERIES, _COUNTS, _COUNTS_TOGETHER, _ACTIVITIES, _ACTIVITIES_TOGETHER):
        connection.execute(_plain(statement, tenants))
    for table in _TABLES:
        connection.execute(f"VACUUM (ANALYZE) {table}".encode())


def _plain(statement: LiteralString, tenants: int) -> bytes:
    """Return a statement that takes no parameters, in which a percent sign is itself."""
    return _with(statement, tenants).replace(b"%%", b"%")


def _with(statement: LiteralString, tenants: int) -> bytes:
    org, client = (part.replace("{tenants}", str(tenants)) for part in (_ORG, _CLIENT))
    filled = statement.replace("{org}", org).replace("{client}", client).replace("{tenants}", str(tenants))
    return filled.replace("{{", "{").replace("}}", "}").encode()
