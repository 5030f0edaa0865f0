"""`python -m benchmarks.profile jobs|messages`: where the CPU of a job or of a whole message goes.

Prints the CPU time of every process for one unit of work, then the functions of a worker process that held the
interpreter's lock most often (py-spy, sampled 200 times a second).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.filling import enqueue_noops, producer
from benchmarks.measures.jobs import wait_for_end
from benchmarks.measures.message import everything, flood
from benchmarks.probes import cpu_seconds, family
from benchmarks.roles import ours
from benchmarks.stage import Stage, raised
from benchmarks.webhooks import requests

JOBS: Final = 20_000
MESSAGES: Final = 600
SECONDS: Final = 5


def main() -> None:
    """Profile what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("what", choices=("jobs", "messages"))
    parser.add_argument("--lines", type=int, default=40, help="functions to show (default 40)")
    given = parser.parse_args()
    with raised() as stage:
        recording = stage.directory / "profile.txt"
        (_jobs if given.what == "jobs" else _messages)(stage, recording)
        print(*summary(recording.read_text(), given.lines), sep="\n")


def _jobs(stage: Stage, recording: Path) -> None:
    with (
        stage.fresh() as urls,
        producer(stage, urls) as database,
        ours(stage, urls) as running,
        psycopg.connect(urls.superuser, autocommit=True) as connection,
    ):
        enqueue_noops(database, 1_000)
        wait_for_end(connection)
        enqueue_noops(database, JOBS)
        with _watched(stage, {role: one.pid for role, one in running.items()}, JOBS, recording):
            wait_for_end(connection)


def _messages(stage: Stage, recording: Path) -> None:
    with everything(stage) as (port, twilio, running):
        made = requests(port, 10 * MESSAGES)
        flood(port, twilio, [next(made) for _ in range(200)])
        with _watched(stage, {role: one.pid for role, one in running.items()}, MESSAGES, recording):
            flood(port, twilio, [next(made) for _ in range(MESSAGES)])


@contextmanager
def _watched(stage: Stage, roles: dict[str, int], units: int, recording: Path) -> Iterator[None]:
    """Print what the block cost, for each of `units`, and record one worker process meanwhile."""
    groups = {**roles, "postgres": stage.postgres_pid, "valkey": stage.valkey_pid}
    processes = {name: family(pid) for name, pid in groups.items()}
    before = {name: cpu_seconds(pids) for name, pids in processes.items()}
    spy_path = str(Path(sys.executable).with_name("py-spy"))
    command = [spy_path, "record", "--gil", "--nonblocking", "--rate", "200", "--duration", str(SECONDS)]
    worker = processes["worker"][-1]
    with ExitStack() as stack:
        spy = stack.enter_context(
            subprocess.Popen(
                [*command, "--format", "raw", "--output", str(recording), "--pid", str(worker)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        yield
        for name, pids in processes.items():
            print(f"{(cpu_seconds(pids) - before[name]) / units * 1e6:8.0f} us of CPU in {name}")
        spy.wait()


def summary(raw: str, lines: int) -> Iterator[str]:
    """Give the functions of a py-spy recording by their share of the samples, those they call included."""
    total, shares = 0, Counter[str]()
    for line in raw.splitlines():
        stack, _, samples = line.rpartition(" ")
        total += int(samples)
        for function in {frame.rpartition(":")[0] for frame in stack.split(";")}:
            shares[function] += int(samples)
    for function, count in shares.most_common(lines):
        yield f"{count / total:7.1%} {function})"


if __name__ == "__main__":
    main()
