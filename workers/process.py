"""Imported by each of Dramatiq's worker processes, by name: building the broker starts the process's engine."""

from __future__ import annotations

import gc
import os
import sys
from typing import Final

from config.parent import exit_with_parent
from workers.main import SHUTDOWN_SECONDS

QUEUES_VARIABLE: Final = "GATEHOUSE_WORKER_QUEUES"
_HARD_EXIT_SECONDS: Final = SHUTDOWN_SECONDS + 15


def start() -> None:
    """Build this process's engine and make its broker Dramatiq's."""
    exit_with_parent(_HARD_EXIT_SECONDS)
    # Imported only now: what goes wrong or takes long from here on is watched.
    import dramatiq  # noqa: PLC0415

    from config.error_reports import report_errors  # noqa: PLC0415
    from config.logging import configure_logging  # noqa: PLC0415
    from config.settings import load_settings  # noqa: PLC0415
    from config.tracing import TRACING  # noqa: PLC0415
    from domain.kernel.redaction import redact  # noqa: PLC0415
    from domain.queue.names import QUEUES  # noqa: PLC0415
    from providers.error_sharing import ErrorSharing  # noqa: PLC0415
    from workers.engine import Engine  # noqa: PLC0415

    settings = load_settings()
    # Dramatiq has put a pipe to its parent in place of the standard error; it would copy each line in two processes.
    configure_logging(settings, "worker", redact, stream=sys.__stderr__)
    report_errors(settings, "worker", redact)
    TRACING.begin(settings, "worker")
    ErrorSharing(settings.redis_url.get_secret_value(), "worker").start()
    queues = os.environ.get(QUEUES_VARIABLE, "").split() or list(QUEUES)
    dramatiq.set_broker(Engine(settings, queues).broker)
    # What is loaded by now stays for good. Searching it for garbage would stop all threads for a tenth of a second.
    gc.collect()
    gc.freeze()
