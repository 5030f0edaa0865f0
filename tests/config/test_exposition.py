"""The processes of a role add up their numbers, and what one left behind is cleaned away."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from config import telemetry
from config.exposition import prepare_metrics, serve_metrics

# A role in small: the parent prepares and serves, two children count. The parent prints what a scrape returns.
PARENT = """
import subprocess, sys, urllib.request
from pathlib import Path
from config.exposition import discard_metrics, forget_process, prepare_metrics, serve_metrics

directory = prepare_metrics(Path(sys.argv[1]), "worker")
server = serve_metrics("127.0.0.1", 0)
count = (
    "from config import telemetry as t\\n"
    "t.JOBS.labels('delivery.send', 'default', 'done').inc(3)\\n"
    "t.JOB_RUN_SECONDS.labels('delivery.send').observe(0.2)\\n"
    "t.WORKERS_ALIVE.set(7)\\n"
)
children = [subprocess.Popen([sys.executable, "-c", count]) for _ in range(2)]
for child in children:
    child.wait()
def scrape():
    with urllib.request.urlopen(f"http://{server.host}:{server.port}/metrics") as answer:
        return answer.read().decode()
print(scrape())
print("AFTER")
for child in children:
    forget_process(child.pid)
print(scrape())
server.close()
discard_metrics()
print("LEFT", directory.exists())
"""


def run_parent(data_dir: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", PARENT, str(data_dir)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        cwd=Path(__file__).parents[2],
    )
    return done.stdout


def test_numbers_of_all_processes_are_one_sum(tmp_path: Path) -> None:
    before, _, after = run_parent(tmp_path).partition("AFTER")
    assert 'gatehouse_jobs_total{kind="delivery.send",outcome="done",queue="default"} 6.0' in before
    assert 'gatehouse_job_run_seconds_count{kind="delivery.send"} 2.0' in before
    assert "gatehouse_workers_alive 7.0" in before
    assert "process_resident_memory_bytes" in before
    # A process that ended no longer says how many workers live, but what it did still counts.
    assert "gatehouse_workers_alive 7.0" not in after
    assert 'outcome="done",queue="default"} 6.0' in after
    assert after.rstrip().endswith("LEFT False")


def test_preparing_too_late_is_an_error(tmp_path: Path) -> None:
    assert "prometheus_client" in sys.modules
    with pytest.raises(RuntimeError, match="imported before prepare_metrics"):
        prepare_metrics(tmp_path, "worker")


def test_files_of_processes_that_are_gone_are_removed(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    stale = tmp_path / "metrics" / f"worker-{gone.pid}"
    alive = tmp_path / "metrics" / f"api-{os.getpid()}"
    for directory in (stale, alive):
        directory.mkdir(parents=True)
        (directory / "counter_1.db").write_bytes(b"")
    run_parent(tmp_path)
    assert not stale.exists()
    assert alive.exists()


def test_one_process_needs_no_directory() -> None:
    telemetry.GUARD_DECISIONS.labels("outbound_paused", "hard").inc()
    server = serve_metrics("127.0.0.1", 0)
    try:
        with urllib.request.urlopen(f"http://{server.host}:{server.port}/metrics") as answer:
            shown = answer.read().decode()
    finally:
        server.close()
    assert 'gatehouse_guard_decisions_total{guard="outbound_paused",outcome="hard"}' in shown
