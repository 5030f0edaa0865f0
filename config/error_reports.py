"""Where unexpected errors are reported: Sentry, or a service that speaks its protocol, when a DSN is set.

A report names the release, the environment, the role, and what the log lines of that moment name: the tenant (its id
alone), the correlation id, the job and its kind, the request. Everything in it passes the redactor. Local variables,
request bodies and personal data are not collected in the first place, and Sentry hooks into no library of ours.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, cast

from structlog.contextvars import get_contextvars

if TYPE_CHECKING:
    from config.settings import Settings

_TAGS: Final = {
    "org_id": "tenant",
    "correlation_id": "correlation_id",
    "job_id": "job_id",
    "kind": "job_kind",
    "attempt": "attempt",
    "request_id": "request_id",
}
"""What is bound to the log context, and the tag that it becomes."""


def report_errors(settings: Settings, role: str, redact: Callable[[object], object]) -> bool:
    """Report unexpected errors of this process when a DSN is set; return whether they are reported.

    `redact` is applied to every event and breadcrumb.
    """
    if settings.sentry_dsn is None:
        return False
    import sentry_sdk  # noqa: PLC0415 - 40 ms that processes without a DSN do not pay
    from sentry_sdk.integrations.atexit import AtexitIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.dedupe import DedupeIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.logging import LoggingIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.threading import ThreadingIntegration  # noqa: PLC0415

    release = version("gatehouse")

    def cleaned(event: Any, _hint: object) -> Any:  # noqa: ANN401  # Sentry's event types are not stable
        event["tags"] = {**event.get("tags", {}), **_context()}
        # Redaction takes what it does not know to be ours for a stranger's, "gatehouse@1.0.0" for an address.
        return cast("dict[str, object]", redact(event)) | {"release": release}

    sentry_sdk.init(
        dsn=settings.sentry_dsn.get_secret_value(),
        environment=settings.environment,
        release=release,
        auto_enabling_integrations=False,
        # Without the one that notes the addresses of outgoing requests, numbers in them, and adds headers to them.
        default_integrations=False,
        integrations=[
            AtexitIntegration(),
            DedupeIntegration(),
            ExcepthookIntegration(),
            LoggingIntegration(),
            ThreadingIntegration(),
        ],
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=cleaned,
        before_breadcrumb=lambda crumb, _hint: cast("Any", redact(crumb)),
    )
    sentry_sdk.set_tag("role", role)
    return True


def report_error(error: BaseException, **tags: str) -> None:
    """Report an unexpected error; does nothing when no DSN is set. `tags` are names from the code."""
    if "sentry_sdk" in sys.modules:
        sys.modules["sentry_sdk"].capture_exception(error, tags=tags)


def _context() -> dict[str, str]:
    bound = get_contextvars()
    return {tag: str(bound[name]) for name, tag in _TAGS.items() if bound.get(name) not in {None, "None"}}
