"""Structured logs: JSON for machines, readable lines in a terminal, and nothing in them that must not be shown.

Our own events (`structlog.get_logger()`) and those of every library (`logging`) pass through one chain, whose last step
before rendering is the redactor that the process hands in. What is bound with `structlog.contextvars` (request_id,
correlation_id, org_id, client_id, job_id, …) is on every line.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from structlog.typing import EventDict, Processor, WrappedLogger

    from config.settings import Settings

_WALKED: Final = (str, int, float, bool, type(None), bytes, dict, list, tuple, set, frozenset)
# Libraries whose INFO lines name what they send, or repeat what we log better ourselves.
_QUIET: Final = ("httpx", "httpcore", "twilio.http_client", "botocore", "boto3", "urllib3", "uvicorn.access", "pika")


class Redact(Protocol):
    """Returns a copy of a value that is safe to show; a field's name may decide."""

    def __call__(self, value: object, /, *, name: str = ...) -> object:
        """Return the safe copy."""
        ...


def configure_logging(settings: Settings, role: str, redact: Redact, stream: TextIO | None = None) -> None:
    """Send all logs of this process to `stream` (standard error), redacted, each line with `role`.

    May be called again; the last call decides.
    """
    stream = stream or sys.stderr
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not stream.isatty())
    level = getattr(logging, settings.log_level.upper())
    chain: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        _Safe(redact, role),
        *([_Json(redact)] if as_json else [_Flat(redact), _console(colors=stream.isatty())]),
    ]
    structlog.configure(
        processors=chain,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name],
            processors=[ProcessorFormatter.remove_processors_meta, *chain],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _console(*, colors: bool) -> structlog.dev.ConsoleRenderer:
    # Its own way with an error that nobody has put into text yet shows local variables, which hold what was sent.
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)


class _Safe:
    """Hides what must not be shown, then adds the time and the role."""

    def __init__(self, redact: Redact, role: str) -> None:
        self._redact = redact
        self._role = role

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        level = event.pop("level")
        safe = {
            name: self._redact(value if isinstance(value, _WALKED) else str(value), name=name)
            for name, value in event.items()
        }
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"timestamp": now, "level": level, "role": self._role, "event": safe.pop("event", ""), **safe}


class _Json:
    """One JSON object a line."""

    def __init__(self, redact: Redact) -> None:
        self._encode = _encoder(redact)

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> str:
        return self._encode(event)


class _Flat:
    """Structures as JSON text, so that a terminal never shows an object inside them by its own `repr`."""

    def __init__(self, redact: Redact) -> None:
        self._encode = _encoder(redact)

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {name: self._encode(value) if isinstance(value, dict | list) else value for name, value in event.items()}


def _encoder(redact: Redact) -> Callable[[object], str]:
    # Objects deep inside a value become text only here, so their text is searched here.
    return json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=lambda value: redact(str(value))).encode


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Keep an error that ends the process out of the raw standard error, where nothing is redacted."""
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger("process").critical("process.uncaught_error", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is SystemExit or args.exc_value is None:
        return
    name = args.thread.name if args.thread else ""
    structlog.get_logger("process").critical(
        "thread.uncaught_error", thread=name, exc_info=(args.exc_type, args.exc_value, args.exc_traceback)
    )
