"""The private /metrics of a role, whose processes add up their numbers through a directory of memory-mapped files.

A role's parent process calls `prepare_metrics` before anything imports `config.telemetry`, then `serve_metrics`. Its
children inherit the environment and need to do nothing. Nothing here imports prometheus_client before it must.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.simple_server import WSGIServer

    from prometheus_client.registry import Collector

_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


class MetricsServer:
    """A running server of /metrics, at `host` and `port`."""

    def __init__(self, host: str, server: WSGIServer) -> None:
        """Take over a server that a thread already runs."""
        self.host = host
        self.port = server.server_port
        self._server = server

    def close(self) -> None:
        """Stop answering and free the port."""
        self._server.shutdown()
        self._server.server_close()


def prepare_metrics(data_dir: Path, role: str) -> Path:
    """Make this role's empty directory of metric files, name it to prometheus_client, and return it.

    It lies below PROMETHEUS_MULTIPROC_DIR when that is set, else below `data_dir`. What processes that no longer run
    have left behind is removed; two instances of a role on one machine keep apart by their process id. Raises
    `RuntimeError` when prometheus_client was imported before, because it would then count for this process alone.
    """
    if "prometheus_client" in sys.modules:
        raise RuntimeError(
            "prometheus_client was imported before prepare_metrics: the role's processes would not add up."
        )
    base = Path(os.environ.get(_VARIABLE) or data_dir / "metrics").absolute()
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in base.glob("*-[0-9]*"):
        pid = int(left.name.rpartition("-")[2])
        if pid == os.getpid() or not _runs(pid):
            shutil.rmtree(left, ignore_errors=True)
    directory = base / f"{role}-{os.getpid()}"
    directory.mkdir(mode=0o700)
    os.environ[_VARIABLE] = str(directory)
    return directory


def serve_metrics(host: str, port: int, collectors: Iterable[Collector] = ()) -> MetricsServer:
    """Serve /metrics of all processes of this role from a thread; port 0 takes any free one.

    `collectors` are asked at each scrape, beside what `config.telemetry` counts. Raises `OSError`, with what to do,
    when the port is taken.
    """
    from prometheus_client import (  # noqa: PLC0415  # after prepare_metrics
        REGISTRY,
        CollectorRegistry,
        PlatformCollector,
        ProcessCollector,
        start_http_server,
    )
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

    registry = REGISTRY
    if os.environ.get(_VARIABLE):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
    for collector in collectors:
        registry.register(collector)
    try:
        server, _ = start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        words = (
            f"/metrics cannot listen on {host}:{port} ({error.strerror}). Set GATEHOUSE_METRICS_PORT to a free port."
        )
        raise OSError(error.errno, words) from error
    return MetricsServer(host, server)


def forget_process(pid: int) -> None:
    """Drop the live gauges of a child process that has ended; its counters stay in the sums."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

    if os.environ.get(_VARIABLE):
        mark_process_dead(pid)  # type: ignore[no-untyped-call]


def discard_metrics() -> None:
    """Remove this role's directory; its parent calls it last."""
    directory = os.environ.pop(_VARIABLE, None)
    if directory is not None:
        with suppress(OSError):
            shutil.rmtree(directory)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
