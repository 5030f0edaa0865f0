"""Start the baselines' workers: as many processes and threads as ours, with their defaults otherwise."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.roles import process
from benchmarks.stage import PROCESSES, THREADS, Stage

DRAMATIQ_DATABASE, CELERY_DATABASE = 1, 2


def environment(stage: Stage, redis_database: int = 0, database_url: str = "") -> dict[str, str]:
    """Return the environment of a baseline."""
    ours = {"BASELINE_REDIS_URL": stage.valkey.url(redis_database), "BASELINE_DATABASE_URL": database_url}
    return {**os.environ, **ours, "PYTHONUNBUFFERED": "1"}


@contextmanager
def dramatiq(stage: Stage) -> Iterator[subprocess.Popen[bytes]]:
    """Run stock Dramatiq on Redis."""
    command = ["-m", "dramatiq", "benchmarks.baselines.dramatiq_noop"]
    size = ["--processes", str(PROCESSES), "--threads", str(THREADS)]
    with process(stage, "dramatiq", command + size, environment(stage, DRAMATIQ_DATABASE)) as running:
        yield running


@contextmanager
def celery(stage: Stage) -> Iterator[subprocess.Popen[bytes]]:
    """Run stock Celery on Redis: prefork, one job a process."""
    command = ["-m", "celery", "--app", "benchmarks.baselines.celery_noop", "--quiet", "worker"]
    size = ["--concurrency", str(PROCESSES), "--loglevel", "warning"]
    env = environment(stage, CELERY_DATABASE) | {"C_FORCE_ROOT": "1"}
    with process(stage, "celery", command + size, env) as running:
        yield running


@contextmanager
def procrastinate(stage: Stage, database_url: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run stock Procrastinate: a process has one event loop with as many jobs at once as ours has threads."""
    command = ["-m", "procrastinate", "--app", "benchmarks.baselines.procrastinate_noop.app"]
    options = ["--log-level", "warning", "worker", "--concurrency", str(THREADS)]
    env = environment(stage, database_url=database_url)
    with ExitStack() as stack:
        yield [
            stack.enter_context(process(stage, f"procrastinate-{number}", command + options, env))
            for number in range(PROCESSES)
        ]
