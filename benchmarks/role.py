"""Run one of our roles with the benchmark's jobs known to it: `python -m benchmarks.role worker|scheduler|api PORT`."""

from __future__ import annotations

import sys

from cli.main import app
from config.settings import load_settings


def main() -> int:
    """Run the role until it is told to stop."""
    if sys.argv[1] == "worker":
        from workers.main import run_worker  # noqa: PLC0415  after the metrics directory is named

        return run_worker(load_settings(), process="benchmarks.worker:start")
    app()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
