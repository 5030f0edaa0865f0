"""What an idle worker costs: CPU time and Redis commands a second of the whole role, and memory of a process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import rivals
from benchmarks.plan import Plan
from benchmarks.probes import cpu_seconds, family, rss_mib
from benchmarks.results import Result, at_most, below
from benchmarks.roles import ours, process
from benchmarks.stage import PROCESSES, Stage

WATCH = 15.0
SETTLE = 4.0
_IMPORTS = "import time, benchmarks.worker; from workers.registry import load_actors; load_actors(); time.sleep(600)"
_DIFFERENCE = "memory of a worker process beyond a bare one with the same imports"


def measure(stage: Stage, plan: Plan) -> list[Result]:
    """Watch ours and stock Dramatiq in turn."""
    cpu: dict[str, list[float]] = {"gatehouse": [], "dramatiq": [], "scheduler": []}
    commands: dict[str, list[float]] = {"gatehouse": [], "dramatiq": [], "scheduler": []}
    beyond: list[float] = []
    for number in range(plan.rounds):
        with stage.fresh() as urls, _bare(stage, stage.environment(urls)) as bare:
            with ours(stage, urls, scheduler=False) as running:
                _watch(stage, running["worker"].pid, cpu["gatehouse"], commands["gatehouse"])
                beyond.append(largest(running["worker"].pid) - rss_mib(bare))
            with ours(stage, urls) as running:
                _watch(stage, running["scheduler"].pid, cpu["scheduler"], commands["scheduler"])
        with stage.redis() as client:
            client.flushall()
        with rivals.dramatiq(stage) as running_dramatiq:
            _watch(stage, running_dramatiq.pid, cpu["dramatiq"], commands["dramatiq"])
        print(
            f"    round {number + 1}: {_last(cpu)} ms CPU/s, {_last(commands)} commands/s, {beyond[-1]:.0f} MiB beyond"
        )
    return [
        Result("idle CPU of a worker role", "ms/s", cpu["gatehouse"], "dramatiq", cpu["dramatiq"], at_most(1)),
        Result(
            "idle Redis commands of a worker role",
            "1/s",
            commands["gatehouse"],
            "dramatiq",
            commands["dramatiq"],
            at_most(1),
        ),
        Result("idle CPU of the scheduler", "ms/s", cpu["scheduler"]),
        Result(_DIFFERENCE, "MiB", beyond, aim=below(80), note=f"{PROCESSES} processes a role"),
    ]


def _watch(stage: Stage, pid: int, cpu: list[float], commands: list[float]) -> None:
    """Let a role settle, then note its CPU time (ms a second) and the server's commands (a second)."""
    time.sleep(SETTLE)
    with stage.redis(9) as client:
        pids = family(pid)
        before = cpu_seconds(pids), int(client.info("stats")["total_commands_processed"]), time.monotonic()
        time.sleep(WATCH)
        seconds = time.monotonic() - before[2]
        # One command is our own question.
        commands.append((int(client.info("stats")["total_commands_processed"]) - before[1] - 1) / seconds)
        cpu.append((cpu_seconds(pids) - before[0]) * 1000 / seconds)


def largest(pid: int) -> float:
    """Return the resident memory of a role's largest process, in MiB."""
    return max(rss_mib(one) for one in family(pid)[1:])


@contextmanager
def _bare(stage: Stage, env: dict[str, str]) -> Iterator[int]:
    with process(stage, "bare", ["-c", _IMPORTS], env) as running:
        time.sleep(SETTLE)
        yield running.pid


def _last(figures: dict[str, list[float]]) -> str:
    return ", ".join(f"{name} {values[-1]:.1f}" for name, values in figures.items())
