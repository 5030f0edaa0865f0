"""The roles: `gatehouse api`, `gatehouse worker`, `gatehouse scheduler`."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.failure import FailureError

if TYPE_CHECKING:
    from config.settings import Role, Settings


def api(
    host: Annotated[str | None, typer.Option(help="Address to listen on (GATEHOUSE_HOST).")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on.", envvar=["GATEHOUSE_PORT", "PORT"], min=0, max=65535)
    ] = None,
) -> None:
    """Accept webhooks and serve pages, until stopped."""
    from config.exposition import discard_metrics, prepare_metrics, serve_metrics  # noqa: PLC0415

    settings = _begin("api")
    host, port = host or settings.host, settings.port if port is None else port
    prepare_metrics(settings.data_dir, "api")
    _require_port(host, port)
    metrics = serve_metrics(settings.metrics_host, settings.metrics_port_of("api"))
    try:
        _serve(settings, host, port)
    finally:
        metrics.close()
        discard_metrics()


def worker(
    queues: Annotated[str, typer.Option(help="Only these queues, with commas between; all when not given.")] = "",
) -> None:
    """Run jobs, until stopped."""
    settings = _begin("worker")
    from workers.main import run_worker  # noqa: PLC0415

    raise typer.Exit(run_worker(settings, [name for name in queues.replace(",", " ").split() if name]))


def scheduler() -> None:
    """Dispatch jobs and keep house, until stopped.

    Puts due jobs into the broker and rescues those of workers that are gone. Several may run.
    """
    settings = _begin("scheduler")
    from workers.scheduler import run  # noqa: PLC0415

    raise typer.Exit(run(settings))


def _begin(role: Role) -> Settings:
    """Read the settings, start logging, say what looks wrong, and refuse an older schema."""
    import structlog  # noqa: PLC0415 - as all below: after the settings are known to be right

    from config.logging import configure_logging  # noqa: PLC0415
    from config.settings import load_settings  # noqa: PLC0415
    from domain.kernel.redaction import redact  # noqa: PLC0415

    settings = load_settings()
    configure_logging(settings, role, redact)
    for warning in settings.warnings():
        structlog.get_logger("settings").warning("settings.unwise", warning=warning)
    _require_roles(settings)
    _require_schema(settings)
    return settings


def _require_roles(settings: Settings) -> None:
    """Refuse to start with role files that are wrong; while it runs, a role keeps the last good ones."""
    from config.places import CONFIG  # noqa: PLC0415
    from domain.access.roles.book import read_roles  # noqa: PLC0415

    read_roles(CONFIG, settings.roles_dir)


def _require_schema(settings: Settings) -> None:
    """Refuse to work on an older schema. A database that is down is no reason: roles wait for it."""
    import psycopg  # noqa: PLC0415
    import structlog  # noqa: PLC0415

    from domain.kernel.schema import READ_REVISION, schema_problem  # noqa: PLC0415

    try:
        with psycopg.connect(settings.postgres_url("platform"), connect_timeout=5) as connection:
            row = connection.execute(READ_REVISION).fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    except psycopg.OperationalError as error:
        structlog.get_logger("start").warning("start.database_down", error=error)
        return
    problem = schema_problem(row[0] if row else None)
    if problem:
        raise FailureError(problem)


def _require_port(host: str, port: int) -> None:
    from cli.local.ports import is_free  # noqa: PLC0415

    if port and not is_free(port, host):
        raise FailureError(f"The api can't listen on {host}:{port}. Choose another port with --port or GATEHOUSE_PORT.")


def _serve(settings: Settings, host: str, port: int) -> None:
    import uvicorn  # noqa: PLC0415

    from api.edge.serving import server_options  # noqa: PLC0415

    # A lone server process sends itself the signal again when it has stopped; that must not skip our own cleaning up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run(
        "api.main:create",
        factory=True,
        host=host,
        port=port,
        workers=settings.api_workers,
        **server_options(),
    )
