"""The scheduler role: a thread each of its parts. Several schedulers may run."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from config.error_reports import report_error, report_errors
from config.exposition import discard_metrics, prepare_metrics, serve_metrics
from config.logging import configure_logging
from domain.kernel.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.settings import Settings
    from domain.kernel.database import Database
    from domain.queue.ports import Bell, Transport

_STOP_SECONDS: Final = 10.0
_log = structlog.get_logger(__name__)


class Part(Protocol):
    """What the scheduler runs in a thread of its own."""

    def run(self, stopping: threading.Event) -> None:
        """Work until `stopping` is set. What it raises ends the role, so it takes what may pass by itself."""


def run(settings: Settings) -> int:
    """Run the scheduler role until SIGTERM or SIGINT; return its exit status."""
    prepare_metrics(settings.data_dir, "scheduler")
    configure_logging(settings, "scheduler", redact)
    report_errors(settings, "scheduler", redact)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    server = serve_metrics(settings.metrics_host, settings.metrics_port_of("scheduler"))
    try:
        return _run_threads(settings, stopping)
    finally:
        server.close()
        discard_metrics()


def _run_threads(settings: Settings, stopping: threading.Event) -> int:
    from domain.kernel.database import Database  # noqa: PLC0415  as all here: after the metrics directory is named
    from providers.brokers.redis import RedisBell  # noqa: PLC0415
    from providers.brokers.registry import build_transport  # noqa: PLC0415
    from providers.error_sharing import ErrorSharing  # noqa: PLC0415
    from providers.registry import build_flags  # noqa: PLC0415

    errors = ErrorSharing(settings.redis_url.get_secret_value(), "scheduler")
    errors.start()
    transport = build_transport(settings.broker_url.get_secret_value())
    bell = RedisBell(settings.redis_url.get_secret_value())
    database = Database(
        settings.postgres_url("app"), settings.postgres_url("platform"), pool_size=2, name="gatehouse-scheduler"
    )
    flags = build_flags(settings)
    flags.serve(database)
    flags.start()
    crashed = _run_parts(_parts(settings, database, transport, bell), stopping)
    flags.close()
    errors.close()
    transport.close()
    bell.close()
    database.close()
    return 1 if crashed else 0


def _parts(settings: Settings, database: Database, transport: Transport, bell: Bell) -> dict[str, Part]:
    from config.places import CONFIG  # noqa: PLC0415  as above
    from domain.access.roles.live import LiveRoles  # noqa: PLC0415
    from domain.statistics.flusher import Flusher  # noqa: PLC0415
    from domain.statistics.tally import Tally  # noqa: PLC0415
    from providers.health.health import SharedHealth  # noqa: PLC0415
    from providers.registry import providers_in_use  # noqa: PLC0415
    from providers.signals import RedisSignals  # noqa: PLC0415
    from workers.announcer import Announcer  # noqa: PLC0415
    from workers.attendance import Attendance  # noqa: PLC0415
    from workers.circuit_watch import CircuitWatch  # noqa: PLC0415
    from workers.connection import PlatformConnection  # noqa: PLC0415
    from workers.dispatcher import Dispatcher  # noqa: PLC0415
    from workers.periodic import PeriodicWork  # noqa: PLC0415
    from workers.rescuer import Rescuer  # noqa: PLC0415
    from workers.role_watch import RoleWatch  # noqa: PLC0415
    from workers.upkeep import Upkeep  # noqa: PLC0415

    url = settings.postgres_url("platform")
    redis_url = settings.redis_url.get_secret_value()
    tally = Tally()
    database.on_commit(tally.after_commit)
    return {
        "attendance": Attendance(PlatformConnection(url, "gatehouse-attendance")),
        "dispatcher": Dispatcher(
            PlatformConnection(url, "gatehouse-dispatcher", flush=False, by_key=True),
            transport,
            bell,
            window=settings.queue_window,
        ),
        "rescuer": Rescuer(PlatformConnection(url, "gatehouse-rescuer"), tally),
        "upkeep": Upkeep(PlatformConnection(url, "gatehouse-upkeep")),
        "periodic": PeriodicWork(PlatformConnection(url, "gatehouse-periodic"), database),
        "announcer": Announcer(database),
        "roles": RoleWatch(LiveRoles(CONFIG, settings.roles_dir), database),
        "circuits": CircuitWatch(database, SharedHealth(redis_url), providers_in_use(settings)),
        "statistics": Flusher(tally, database, RedisSignals(redis_url).changes),
    }


def _run_parts(parts: Mapping[str, Part], stopping: threading.Event) -> list[str]:
    """Run each part in a thread until `stopping` is set; return those that crashed, and so ended all others."""
    crashed: list[str] = []

    def guard(name: str) -> None:
        try:
            parts[name].run(stopping)
        except Exception as error:  # noqa: BLE001
            # A role that half works is worse than one that is started again.
            _log.exception("scheduler_part_crashed", part=name)
            report_error(error, part=name)
            crashed.append(name)
            stopping.set()

    threads = [threading.Thread(target=guard, args=(name,), name=name) for name in parts]
    for thread in threads:
        thread.start()
    _log.info("scheduler_started", parts=list(parts))
    stopping.wait()
    for thread in threads:
        thread.join(_STOP_SECONDS)
    return crashed
