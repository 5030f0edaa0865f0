"""A worker role that knows the test kinds, as real processes: run as `python -m tests.support.worker_process`."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.settings import Settings
from tests.support.servers import ROOT

_STOP_SECONDS = 45


def start() -> None:
    """Start one of the role's processes, as `workers.process.start` does, with the test kinds known."""
    from workers import process  # noqa: PLC0415

    importlib.import_module("tests.support.worker_kinds")
    process.start()


@contextmanager
def worker_process(settings: Settings, *, processes: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    """Run the role until the end of the block, or until it was killed in it."""
    secrets = {
        name: getattr(settings, name).get_secret_value()
        for name in ("database_url", "platform_database_url", "broker_url", "redis_url", "secret_key")
    }
    values = secrets | {
        "environment": "test",
        "data_dir": str(settings.data_dir),
        "worker_processes": str(processes),
        "worker_threads": str(settings.worker_threads),
        "metrics_port": "0",
        "log_format": "json",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
    with (Path(settings.data_dir) / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.worker_process"],
            cwd=ROOT,
            env=inherited | {f"GATEHOUSE_{name.upper()}": value for name, value in values.items()},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        finally:
            process.kill()
            process.wait()


def main() -> int:
    """Run the role with the settings of the environment."""
    from config.settings import load_settings  # noqa: PLC0415
    from workers.main import run_worker  # noqa: PLC0415

    return run_worker(load_settings(), process="tests.support.worker_process:start")


if __name__ == "__main__":
    sys.exit(main())
