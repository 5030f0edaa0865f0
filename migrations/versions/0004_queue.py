"""Jobs, their attempts, workers and queues."""

from __future__ import annotations

from alembic import op

from migrations.rights import APP, PLATFORM, platform_table, tenant_table

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# `attempt` counts every run and fences it: a run that was given up can no longer finish the job. What does not use up
# a try (a snooze, a lost worker, a hand-back) raises `max_attempts` with it. `queued_at` says when the id was handed to
# the broker. No foreign key: a lookup for each of ten thousand rows of one enqueue would double its time.
_JOBS = """
    CREATE TABLE jobs (
        id uuid PRIMARY KEY,
        org_id uuid NOT NULL,
        kind text NOT NULL,
        queue text NOT NULL,
        args jsonb NOT NULL,
        state text NOT NULL CHECK (state IN
            ('scheduled', 'available', 'executing', 'retryable', 'completed', 'cancelled', 'dead')),
        priority smallint NOT NULL DEFAULT 100,
        run_at timestamptz NOT NULL DEFAULT now(),
        attempt integer NOT NULL DEFAULT 0,
        max_attempts integer NOT NULL CHECK (max_attempts > 0),
        lost_count integer NOT NULL DEFAULT 0,
        unique_key text,
        subject text,
        correlation_id uuid,
        created_at timestamptz NOT NULL DEFAULT now(),
        queued_at timestamptz,
        worker_id uuid,
        attempted_at timestamptz,
        finished_at timestamptz,
        cancel_requested_at timestamptz,
        last_error text,
        error_class text,
        fingerprint text
    ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000)
"""

_ATTEMPTS = """
    CREATE TABLE job_attempts (
        job_id uuid NOT NULL,
        attempt integer NOT NULL,
        org_id uuid NOT NULL,
        worker_id uuid,
        started_at timestamptz NOT NULL,
        finished_at timestamptz,
        outcome text CHECK (outcome IN
            ('completed', 'retry', 'snoozed', 'cancelled', 'dead', 'lost', 'handed_back')),
        reason text,
        error_class text,
        PRIMARY KEY (job_id, attempt, started_at)
    ) PARTITION BY RANGE (started_at)
"""

# Partitions are reached through their parent alone: neither role is granted anything on them.
_ENSURE_PARTITIONS = """
    CREATE FUNCTION ensure_job_attempt_partitions(months_ahead integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        month date;
        first timestamptz;
        after timestamptz;
        partition text;
        made integer := 0;
    BEGIN
        FOR ahead IN 0..months_ahead LOOP
            month := date_trunc('month', now() AT TIME ZONE 'UTC')::date + make_interval(months => ahead);
            first := month::timestamp AT TIME ZONE 'UTC';
            after := (month + interval '1 month') AT TIME ZONE 'UTC';
            partition := 'job_attempts_' || to_char(month, 'YYYY_MM');
            IF to_regclass('public.' || partition) IS NULL THEN
                EXECUTE format(
                    'CREATE TABLE public.%I (LIKE public.job_attempts INCLUDING ALL) WITH (fillfactor = 85)',
                    partition);
                -- Attempts of this month are in the default partition when nobody made room in time, or a clock jumped.
                ALTER TABLE public.job_attempts_default NO FORCE ROW LEVEL SECURITY;
                EXECUTE format(
                    'WITH moved AS (DELETE FROM public.job_attempts_default WHERE started_at >= %L AND started_at < %L'
                    ' RETURNING *) INSERT INTO public.%I SELECT * FROM moved', first, after, partition);
                ALTER TABLE public.job_attempts_default FORCE ROW LEVEL SECURITY;
                EXECUTE format(
                    'ALTER TABLE public.job_attempts ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                    partition, first, after);
                EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', partition);
                EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', partition);
                made := made + 1;
            END IF;
        END LOOP;
        RETURN made;
    END $$
"""

_WORKERS = """
    CREATE TABLE workers (
        id uuid PRIMARY KEY,
        hostname text NOT NULL,
        pid integer NOT NULL,
        queues text[] NOT NULL,
        threads integer NOT NULL,
        version text NOT NULL,
        started_at timestamptz NOT NULL DEFAULT now(),
        heartbeat_at timestamptz NOT NULL DEFAULT now(),
        stopped_at timestamptz
    )
"""

_QUEUES = """
    CREATE TABLE queues (
        name text PRIMARY KEY,
        paused_at timestamptz,
        paused_because text
    )
"""


def upgrade() -> None:
    """Create the queue."""
    op.execute(_JOBS)
    tenant_table("jobs", app="SELECT, INSERT, UPDATE")
    op.execute(_ATTEMPTS)
    tenant_table("job_attempts", app="SELECT, INSERT, UPDATE")
    op.execute("CREATE TABLE job_attempts_default PARTITION OF job_attempts DEFAULT")
    op.execute("ALTER TABLE job_attempts_default ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE job_attempts_default FORCE ROW LEVEL SECURITY")
    op.execute(_ENSURE_PARTITIONS)
    op.execute("REVOKE ALL ON FUNCTION ensure_job_attempt_partitions(integer) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION ensure_job_attempt_partitions(integer) TO {PLATFORM}")
    op.execute("SELECT ensure_job_attempt_partitions(2)")
    op.execute(_WORKERS)
    platform_table("workers", app=None)
    op.execute(_QUEUES)
    platform_table("queues", app=None)
    op.execute("INSERT INTO queues (name) VALUES ('inbound'), ('outbound'), ('default'), ('bulk'), ('maintenance')")
    op.execute(f"GRANT SELECT ON queues TO {APP}")


def downgrade() -> None:
    """Drop everything that `upgrade` made."""
    op.execute("DROP TABLE queues, workers, job_attempts, jobs")
    op.execute("DROP FUNCTION ensure_job_attempt_partitions(integer)")
