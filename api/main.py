"""How a server process makes the application: `uvicorn --factory api.main:create`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.app import create_app
from config.logging import configure_logging
from config.settings import load_settings
from config.telemetry import report_errors
from domain.kernel.redaction import redact

if TYPE_CHECKING:
    from fastapi import FastAPI


def create() -> FastAPI:
    """Return the application for this process's settings. Raises `SettingsError`."""
    settings = load_settings()
    configure_logging(settings, "api", redact)
    report_errors(settings, "api", redact)
    return create_app(settings)
