"""Put the process's logging back as it was, after a test that configured it."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def logging_restored() -> Iterator[None]:
    """Undo at the end of the block what `configure_logging` did in it."""
    root = logging.getLogger()
    before = (root.handlers, root.level, sys.excepthook, threading.excepthook)
    try:
        yield
    finally:
        root.handlers, root.level, sys.excepthook, threading.excepthook = before
        logging.captureWarnings(capture=False)
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
