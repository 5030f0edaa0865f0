"""Start and stop what is measured: our roles and the baselines, each as the processes that production runs."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from benchmarks.stage import PROCESSES, Stage, end
from cli.local.ports import free_port
from tests.support.databases import DatabaseUrls

ROOT = Path(__file__).parents[1]
_PATIENCE = 60.0
_RECHECK = 0.05


@contextmanager
def process(stage: Stage, name: str, command: Sequence[str], env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command until the block ends; its output goes to the stage's log of that name."""
    with stage.log(name).open("ab") as log:
        started = subprocess.Popen(
            [sys.executable, *command], env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield started
    finally:
        end(started)


def wait_until(what: str, true: Callable[[], bool], *, seconds: float = _PATIENCE, every: float = _RECHECK) -> None:
    """Return once `true`; raises TimeoutError that names `what`."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:g} s")
        time.sleep(every)


@contextmanager
def ours(
    stage: Stage, urls: DatabaseUrls, *, scheduler: bool = True, **changes: object
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Run our worker role (and the scheduler), ready for jobs."""
    env = stage.environment(urls, **changes)
    with ExitStack() as stack:
        running = {}
        for role in ("worker", "scheduler") if scheduler else ("worker",):
            running[role] = stack.enter_context(process(stage, role, ["-m", "benchmarks.role", role], env))
        with psycopg.connect(urls.superuser, autocommit=True) as connection:
            wait_until("our worker's registration", lambda: _workers(connection) == PROCESSES or _died(running))
        if _died(running):
            raise RuntimeError("A role ended:\n" + "\n".join(stage.log(role).read_text()[-2000:] for role in running))
        yield running


def _workers(connection: psycopg.Connection[tuple[int]]) -> int:
    row = connection.execute("SELECT count(*) FROM workers WHERE role = 'worker' AND stopped_at IS NULL").fetchone()
    return 0 if row is None else row[0]


def _died(running: dict[str, subprocess.Popen[bytes]]) -> bool:
    return any(one.poll() is not None for one in running.values())


@contextmanager
def api(stage: Stage, urls: DatabaseUrls, **changes: object) -> Iterator[int]:
    """Run our API with two server processes; give its port."""
    port = free_port()
    address = {"port": port, "public_url": f"http://127.0.0.1:{port}", "api_workers": PROCESSES}
    env = stage.environment(urls, **address, **changes)
    with process(stage, "api", ["-m", "benchmarks.role", "api"], env) as running:
        listening(port, running)
        yield port


def listening(port: int, running: subprocess.Popen[bytes]) -> None:
    """Return once every server process has had time to accept on `port`. Raises RuntimeError when it ended."""

    def answers() -> bool:
        if running.poll() is not None:
            raise RuntimeError("the server ended while it started; its log says why")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=2) as answer:
                return bool(answer.status)
        except urllib.error.HTTPError:
            return True  # it answers; a baseline has no such page
        except OSError:
            return False

    wait_until("the server's first answer", answers)
    time.sleep(1.5)
