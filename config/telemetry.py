"""What is measured, in one place, and where errors are reported.

Labels hold names from the code (a route's template, a job's kind, a guard): never a tenant's data, never free text.
Several processes of a role share their numbers through files (`config.exposition`), which must be prepared before this
module is imported, because prometheus_client decides then how it keeps values.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from config.settings import Settings

UNMATCHED: Final = "unmatched"
"""The route label of a request that no route answers."""

_REQUEST_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_RUN_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)
_WAIT_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)

HTTP_REQUESTS = Counter("gatehouse_http_requests_total", "Answered HTTP requests.", ["route", "method", "status"])
HTTP_REQUEST_SECONDS = Histogram(
    "gatehouse_http_request_seconds",
    "From the request's first byte to the answer's last.",
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
DISPATCHER_LAG_SECONDS = Gauge(
    "gatehouse_dispatcher_lag_seconds",
    "How long the oldest due job has waited to be published.",
    multiprocess_mode="livemostrecent",
)
DISPATCHER_PUBLISHED = Counter("gatehouse_dispatcher_published_total", "Job ids put into the broker.", ["queue"])
WORKERS_ALIVE = Gauge(
    "gatehouse_workers_alive", "Worker processes with a fresh heartbeat.", multiprocess_mode="livemostrecent"
)
RESCUED_JOBS = Counter("gatehouse_rescued_jobs_total", "Jobs taken back from workers that are gone.")
SCHEDULE_LAST_ASKED = Gauge(
    "gatehouse_schedule_last_asked_timestamp_seconds",
    "When periodic work was last asked for, in seconds since 1970.",
    ["name"],
    multiprocess_mode="livemostrecent",
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


def report_errors(settings: Settings, role: str, redact: Callable[[object], object]) -> bool:
    """Send unexpected errors to Sentry when a DSN is set; return whether they are sent.

    `redact` is applied to every event and breadcrumb. Local variables, request bodies and personal data are not
    collected in the first place.
    """
    if settings.sentry_dsn is None:
        return False
    import sentry_sdk  # noqa: PLC0415 - 40 ms that processes without a DSN do not pay

    def cleaned(event: Mapping[str, Any], _hint: object) -> Any:  # noqa: ANN401  # Sentry's event types are not stable
        return redact(event)

    sentry_sdk.init(
        dsn=settings.sentry_dsn.get_secret_value(),
        environment=settings.environment,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=cleaned,
        before_breadcrumb=cleaned,
    )
    sentry_sdk.set_tag("role", role)
    return True


def report_error(error: BaseException) -> None:
    """Report an unexpected error; does nothing when no DSN is set."""
    if "sentry_sdk" in sys.modules:
        sys.modules["sentry_sdk"].capture_exception(error)
