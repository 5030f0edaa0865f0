"""Signed webhooks accepted a second, 64 connections and two server processes, against two baselines."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import rivals
from benchmarks.load import Load
from benchmarks.plan import Plan
from benchmarks.results import Result, at_least, at_most
from benchmarks.roles import ROOT, api, listening, process
from benchmarks.stage import AUTH_TOKEN, PROCESSES, Stage
from cli.local.ports import free_port
from migrations import seeds
from tests.support.databases import DatabaseUrls

CONNECTIONS = 64
SECONDS = 5.0
REQUESTS = 60_000


def measure(stage: Stage, plan: Plan) -> list[Result]:
    """Load the three in turn, each with fresh tables and new messages."""
    seen: dict[str, list[Load]] = {"gatehouse": [], "one transaction a request": [], "no database": []}
    for number in range(plan.rounds):
        for name, loads in seen.items():
            with stage.fresh() as urls:
                seeds.apply(urls.platform, "demo")
                with _running(stage, urls, name) as port:
                    loads.append(drive(port))
            print(f"    round {number + 1}: {name}: {loads[-1]}", flush=True)
    rate = {name: [load.rate for load in loads] for name, loads in seen.items()}
    p99 = {name: [load.p99 for load in loads] for name, loads in seen.items()}
    one, none = "one transaction a request", "no database"
    return [
        Result("durable ingest", "webhooks/s", rate["gatehouse"], one, rate[one], at_least(1.5)),
        Result("durable ingest", "webhooks/s", rate["gatehouse"], none, rate[none], at_least(0.4)),
        Result("durable ingest, p99", "ms", p99["gatehouse"], one, p99[one], at_most(1)),
    ]


def drive(port: int, *, seconds: float = SECONDS, count: int = REQUESTS) -> Load:
    """Run the load generator in a process of its own. Raises AssertionError when an answer was not a success."""
    command = [sys.executable, "-m", "benchmarks.load", str(port), str(CONNECTIONS), str(seconds), str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    load = Load(**json.loads(done.stdout))
    assert not load.failed, f"{load.failed} requests failed"
    return load


@contextmanager
def _running(stage: Stage, urls: DatabaseUrls, name: str) -> Iterator[int]:
    if name == "gatehouse":
        with api(stage, urls) as port:
            yield port
        return
    port = free_port()
    env = rivals.environment(stage, database_url=urls.platform) | {
        "BASELINE_INSERT": "0" if name == "no database" else "1",
        "BASELINE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "BASELINE_AUTH_TOKEN": AUTH_TOKEN,
    }
    command = ["-m", "uvicorn", "benchmarks.baselines.web:app", "--port", str(port), "--workers", str(PROCESSES)]
    with process(stage, "web", [*command, "--no-access-log", "--log-level", "warning"], env) as running:
        listening(port, running)
        yield port
