"""Imported by each of Dramatiq's worker processes, by name: building the broker starts the process's engine."""

from __future__ import annotations

import os

import dramatiq

from config.logging import configure_logging
from config.settings import load_settings
from config.telemetry import report_errors
from domain.kernel.redaction import redact
from domain.queue.names import QUEUES
from workers.engine import Engine

QUEUES_VARIABLE = "GATEHOUSE_WORKER_QUEUES"


def start() -> None:
    """Build this process's engine and make its broker Dramatiq's."""
    settings = load_settings()
    configure_logging(settings, "worker", redact)
    report_errors(settings, "worker", redact)
    queues = os.environ.get(QUEUES_VARIABLE, "").split() or list(QUEUES)
    dramatiq.set_broker(Engine(settings, queues).broker)
