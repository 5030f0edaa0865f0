"""Every line is structured and carries its context, and none shows a person or a secret."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import structlog

from config.logging import configure_logging
from config.settings import Settings
from domain.kernel.redaction import redact
from tests.support.logs import logging_restored

if TYPE_CHECKING:
    from collections.abc import Iterator


class Logs:
    """What was written, line by line."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def start(self, log_format: str = "json", level: str = "info") -> None:
        """Log here from now on."""
        given = {
            "database_url": "postgresql://h/d",
            "platform_database_url": "postgresql://h/d",
            "broker_url": "redis://h",
            "redis_url": "redis://h",
            "secret_key": "-" * 32,
            "log_format": log_format,
            "log_level": level,
        }
        configure_logging(Settings.model_validate(given), "api", redact, self.stream)

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines, parsed."""
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def text(self) -> str:
        """Return all that was written."""
        return self.stream.getvalue()


@pytest.fixture
def logs() -> Iterator[Logs]:
    with logging_restored():
        yield Logs()


def test_a_line_carries_its_context(logs: Logs) -> None:
    logs.start()
    job = UUID("01994f3c-7d5e-7a2b-9c1d-0f1e2d3c4b5a")
    with structlog.contextvars.bound_contextvars(request_id="r-1", org_id=job):
        structlog.get_logger().info("job.finished", job_id=job, latency_ms=3.5, status=200)
    (line,) = logs.lines()
    timestamp = line.pop("timestamp")
    assert timestamp.endswith("Z")
    assert line == {
        "level": "info",
        "role": "api",
        "event": "job.finished",
        "request_id": "r-1",
        "org_id": str(job),
        "job_id": str(job),
        "latency_ms": 3.5,
        "status": 200,
    }


SECRETS = ("5005550006", "ann@example.com", "hunter2", "my pipe burst", "sk-proj-abcdefghijklmnop1234")


@dataclass
class Shouting:
    """An object whose text tells what it must not."""

    phone: str = "+15005550006"

    def __str__(self) -> str:
        return "to +15005550006 for ann@example.com"


def fail(message: str) -> None:
    raise RuntimeError(message)


def fail_holding(sent: str) -> None:
    """Fail while a local variable holds what somebody sent."""
    body = f"{sent} crossing"
    raise RuntimeError(str(len(body)))


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_nothing_private_is_shown_however_it_is_logged(logs: Logs, log_format: str) -> None:
    logs.start(log_format)
    log = structlog.get_logger()
    log.info("sent to +15005550006", body="my pipe burst", to="+1 (500) 555-0006")
    log.info("nested", message={"body": "my pipe burst", "from": ["+15005550006"], "who": Shouting()}, who=Shouting())
    log.warning(
        "config", auth_token="hunter2", url="postgresql://app:hunter2@db/x", error=ValueError("ann@example.com")
    )
    try:
        fail("key sk-proj-abcdefghijklmnop1234 of ann@example.com")
    except RuntimeError:
        log.exception("failed")
        logging.getLogger("library").exception("call to %s failed", "+15005550006")
    logging.getLogger("library").warning("dsn postgresql://app:hunter2@db/x", extra={"phone": "+15005550006"})
    with structlog.contextvars.bound_contextvars(customer="ann@example.com"):
        log.info("bound")
    assert logs.text.count("\n") >= 7
    assert "RuntimeError" in logs.text
    for secret in SECRETS:
        assert secret not in logs.text


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_an_error_shows_where_it_came_from_and_no_local_variable(logs: Logs, log_format: str) -> None:
    logs.start(log_format)
    try:
        fail_holding("zebra")
    except RuntimeError:
        structlog.get_logger().exception("failed")
        logging.getLogger("library").exception("failed")
    assert logs.text.count("in fail_holding") == 2
    assert "zebra crossing" not in logs.text


def test_the_console_shows_no_local_variable_of_an_error_that_reaches_it_as_one(logs: Logs) -> None:
    logs.start("console")
    console = structlog.get_config()["processors"][-1]
    line = ""
    try:
        fail_holding("zebra")
    except RuntimeError:
        line = console(None, "error", {"event": "failed", "exc_info": sys.exc_info()})
    assert "in fail_holding" in line
    assert "zebra crossing" not in line


def test_an_exception_shows_where_but_no_local_variable(logs: Logs) -> None:
    logs.start()
    hidden_local = "the customer's words"
    try:
        assert int(hidden_local[:0])
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = logs.lines()
    assert "test_logging.py" in line["exception"]
    assert "ValueError" in line["exception"]
    assert hidden_local not in logs.text


def test_libraries_and_warnings_go_the_same_way(logs: Logs) -> None:
    logs.start()
    logging.getLogger("alembic.runtime").info("Running upgrade %s", "0001")
    logging.getLogger("httpx").info("HTTP Request: POST https://api.twilio.com/2010-04-01/Accounts/AC1")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old way", DeprecationWarning, stacklevel=1)
    upgrade, warning = logs.lines()
    assert (upgrade["event"], upgrade["logger"], upgrade["role"]) == ("Running upgrade 0001", "alembic.runtime", "api")
    assert "old way" in warning["event"]


def test_the_level_is_obeyed(logs: Logs) -> None:
    logs.start(level="warning")
    structlog.get_logger().info("quiet")
    logging.getLogger("library").info("quiet")
    structlog.get_logger().warning("loud")
    assert [line["event"] for line in logs.lines()] == ["loud"]


def test_what_nobody_caught_is_redacted_too(logs: Logs) -> None:
    logs.start()
    thread = threading.Thread(target=fail, args=["lost +15005550006"], name="sender")
    thread.start()
    thread.join()
    error = RuntimeError("lost +15005550006")
    sys.excepthook(RuntimeError, error, None)
    in_thread, in_process = logs.lines()
    assert (in_thread["event"], in_thread["thread"]) == ("thread.uncaught_error", "sender")
    assert (in_process["event"], in_process["level"]) == ("process.uncaught_error", "critical")
    assert "5550006" not in logs.text
