"""How a server process makes the application: `uvicorn --factory api.main:create`."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from typing import TYPE_CHECKING, Final

from api.app import create_app
from config.error_reports import report_errors
from config.logging import configure_logging
from config.parent import exit_with_parent
from config.settings import load_settings
from config.tracing import TRACING
from domain.kernel.redaction import redact

if TYPE_CHECKING:
    from fastapi import FastAPI

_HARD_EXIT_SECONDS: Final = 15.0
"""Longer than the grace that requests get when the server stops."""


def create() -> FastAPI:
    """Return the application for this process's settings. Raises `SettingsError`."""
    settings = load_settings()
    if settings.api_workers > 1:
        exit_with_parent(_HARD_EXIT_SECONDS)
    configure_logging(settings, "api", redact)
    report_errors(settings, "api", redact)
    TRACING.begin(settings, "api")
    _end_with_parent()
    app = create_app(settings)
    # What is loaded by now stays for good. Searching it for garbage would stop all requests for a tenth of a second.
    gc.collect()
    gc.freeze()
    return app


def _end_with_parent() -> None:
    """Stop when the process that started this one is gone: orphans would keep the port from its successor."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent-watch", daemon=True).start()
