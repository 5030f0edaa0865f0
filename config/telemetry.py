"""What is measured, in one place; docs/metrics.md says what each figure means.

Labels hold names from the code (a route's template, a job's kind, a guard): never a tenant's data, never free text.
Several processes of a role share their numbers through files (`config.exposition`), which must be prepared before this
module is imported, because prometheus_client decides then how it keeps values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Iterable

UNMATCHED: Final = "unmatched"
"""The route label of a request that no route answers."""

_REQUEST_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 2.5, 5, 10)
_RUN_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)
_WAIT_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)

HTTP_REQUESTS = Counter("gatehouse_http_requests_total", "Answered HTTP requests.", ["route", "method", "status"])
HTTP_REQUEST_SECONDS = Histogram(
    "gatehouse_http_request_seconds",
    "From the request's first byte to the answer's last; endless answers are left out.",
    ["route"],
    buckets=_REQUEST_BUCKETS,
)
UNKNOWN_CALLERS = Counter(
    "gatehouse_unknown_callers_total",
    "Requests turned away because the proxies in front did not say readably whose they are.",
)
INGEST = Counter(
    "gatehouse_ingest_total", "Inbound messages and callbacks by what became of them.", ["channel", "outcome"]
)
SNS_CERTIFICATE_EXPIRES = Gauge(
    "gatehouse_sns_certificate_expires_timestamp_seconds",
    "When the certificate ends with which Amazon SNS signed last, in seconds since 1970; 0: none was seen.",
    multiprocess_mode="livemax",
)
SPOOL = Counter(
    "gatehouse_spool_total",
    "Webhooks kept while the database was away, by what became of them.",
    ["kind", "outcome"],
)
SPOOL_ENTRIES = Gauge(
    "gatehouse_spool_entries", "Webhooks that wait for the database.", ["store"], multiprocess_mode="livemostrecent"
)
SPOOL_OLDEST_SECONDS = Gauge(
    "gatehouse_spool_oldest_seconds", "Age of the oldest of them.", ["store"], multiprocess_mode="livemostrecent"
)
SPOOL_BYTES = Gauge("gatehouse_spool_bytes", "Bytes that they take.", ["store"], multiprocess_mode="livemostrecent")
SPOOL_REJECTED_ENTRIES = Gauge(
    "gatehouse_spool_rejected_entries",
    "Webhooks kept aside for a person, because nobody could take them.",
    ["store"],
    multiprocess_mode="livemostrecent",
)

JOBS = Counter("gatehouse_jobs_total", "Finished attempts at jobs.", ["kind", "queue", "outcome"])
JOB_RUN_SECONDS = Histogram("gatehouse_job_run_seconds", "Time that an attempt ran.", ["kind"], buckets=_RUN_BUCKETS)
JOB_WAIT_SECONDS = Histogram(
    "gatehouse_job_wait_seconds", "From the time a job was due to its start.", ["queue"], buckets=_WAIT_BUCKETS
)
# Gauges of the whole system: whichever process measured last is right, and one that died says nothing.
QUEUE_DEPTH = Gauge("gatehouse_queue_depth", "Unfinished jobs.", ["queue", "state"], multiprocess_mode="livemostrecent")
QUEUE_OLDEST_SECONDS = Gauge(
    "gatehouse_queue_oldest_seconds", "Age of the oldest job.", ["queue", "state"], multiprocess_mode="livemostrecent"
)
QUEUE_PAUSED = Gauge(
    "gatehouse_queue_paused", "1: nothing of the queue is handed out.", ["queue"], multiprocess_mode="livemostrecent"
)
QUEUE_WORKERS = Gauge(
    "gatehouse_queue_workers",
    "Worker processes with a fresh heartbeat that take jobs of the queue.",
    ["queue"],
    multiprocess_mode="livemostrecent",
)
DEAD_LETTERS = Gauge(
    "gatehouse_dead_letters", "Dead jobs that wait for a person.", ["kind"], multiprocess_mode="livemostrecent"
)
DEATHS = Counter("gatehouse_deaths_total", "Jobs that died, counted when somebody is told of it.", ["kind"])
BULK_ITEMS = Counter("gatehouse_bulk_items_total", "Dead letters that a bulk operation came to.", ["action", "outcome"])
DISPATCHER_LAG_SECONDS = Gauge(
    "gatehouse_dispatcher_lag_seconds",
    "How long the oldest due job has waited to be published.",
    multiprocess_mode="livemostrecent",
)
DISPATCHER_PUBLISHED = Counter("gatehouse_dispatcher_published_total", "Job ids put into the broker.", ["queue"])
WORKERS_ALIVE = Gauge(
    "gatehouse_workers_alive", "Worker processes with a fresh heartbeat.", multiprocess_mode="livemostrecent"
)
SCHEDULER_LOOKED = Gauge(
    "gatehouse_scheduler_looked_timestamp_seconds",
    "When a part of the scheduler came to the end of its loop, in seconds since 1970.",
    ["part"],
    multiprocess_mode="livemostrecent",
)
RESCUED_JOBS = Counter("gatehouse_rescued_jobs_total", "Jobs taken back from workers that are gone.")
SCHEDULE_LAST_ASKED = Gauge(
    "gatehouse_schedule_last_asked_timestamp_seconds",
    "When periodic work was last asked for, in seconds since 1970.",
    ["name"],
    multiprocess_mode="livemostrecent",
)
SCHEDULE_EVERY_SECONDS = Gauge(
    "gatehouse_schedule_every_seconds",
    "How often periodic work is to be asked for.",
    ["name"],
    multiprocess_mode="livemostrecent",
)
NOTICES_OPEN = Gauge(
    "gatehouse_notices_open", "Notices that nobody has dealt with.", ["kind"], multiprocess_mode="livemostrecent"
)

PROVIDER_CALLS = Counter(
    "gatehouse_provider_calls_total", "Calls to outside services.", ["provider", "operation", "outcome"]
)
PROVIDER_CALL_SECONDS = Histogram(
    "gatehouse_provider_call_seconds", "Time of a call.", ["provider", "operation"], buckets=_RUN_BUCKETS
)
PROVIDER_HELD = Counter(
    "gatehouse_provider_held_total", "Calls that were put off, by circuit or by limit.", ["provider", "because"]
)
PROVIDER_LIMIT = Gauge(
    "gatehouse_provider_limit",
    "Calls that a provider's account may have under way; 0: no limit.",
    ["provider"],
    multiprocess_mode="livemostrecent",
)
CIRCUIT_CHANGES = Counter("gatehouse_circuit_changes_total", "Circuits that changed.", ["provider", "state"])
CIRCUITS_OPEN = Gauge(
    "gatehouse_circuits_open", "Circuits that are not closed.", ["provider"], multiprocess_mode="livemostrecent"
)
GUARD_DECISIONS = Counter("gatehouse_guard_decisions_total", "Decisions of the gate.", ["guard", "outcome"])

PERMISSION_DENIALS = Counter(
    "gatehouse_permission_denied_total",
    "Requests turned away, by the permission that they lacked and why.",
    ["permission", "because"],
)
AUDIT_ENTRIES = Counter("gatehouse_audit_entries_total", "Entries of the audit log that were committed.", ["action"])
AUDIT_FINDINGS = Counter(
    "gatehouse_audit_findings_total", "What was found wrong with chains of the audit log, at every look anew."
)
ERRORS = Counter("gatehouse_errors_total", "Errors that nobody expected, by the part that they came up in.", ["part"])


def begin_at_zero(counter: Counter, labels: Iterable[tuple[str, ...]]) -> None:
    """Show these children of a counter from the start, so that their first count is seen as a rise."""
    for values in labels:
        counter.labels(*values)
