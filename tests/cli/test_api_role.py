"""The api role as a process: its workers' figures are one sum, it stops cleanly, and it leaves no orphan."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from cli.local.ports import free_port, is_free

if TYPE_CHECKING:
    from tests.cli.conftest import Environment

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


@pytest.fixture
def settings(environment: Environment) -> Environment:
    """Return settings of an api with two workers on free ports."""
    return environment | {
        "GATEHOUSE_API_WORKERS": "2",
        "GATEHOUSE_PORT": str(free_port()),
        "GATEHOUSE_METRICS_PORT": str(free_port()),
        "GATEHOUSE_LOG_FORMAT": "json",
        "GATEHOUSE_ZEBRA": "1",
        "PATH": os.environ["PATH"],
    }


@contextmanager
def started(settings: Environment) -> Iterator[subprocess.Popen[str]]:
    """Run the role; the block begins when every worker is ready."""
    command = [sys.executable, "-c", "from cli.main import app; app(['api'])"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=settings) as role:
        try:
            assert role.stderr is not None
            logged: list[str] = []
            workers = int(settings["GATEHOUSE_API_WORKERS"])
            while sum("Application startup complete" in line for line in logged) < workers:
                line = role.stderr.readline()
                assert line, "".join(logged)
                logged.append(line)
            assert any("GATEHOUSE_ZEBRA is not a setting" in line for line in logged)
            yield role
        finally:
            role.kill()


def ended(role: subprocess.Popen[str]) -> str:
    """Return what was logged last. It comes when all processes of the role, which share the pipe, are gone."""
    _, logged = role.communicate(timeout=PATIENCE)
    return logged


@pytest.mark.parametrize("workers", ["1", "2"])
def test_workers_serve_and_their_figures_are_one_sum(settings: Environment, workers: str) -> None:
    settings = settings | {"GATEHOUSE_API_WORKERS": workers}
    url = f"http://127.0.0.1:{settings['GATEHOUSE_PORT']}"
    with started(settings) as role:
        for _ in range(20):
            # A new connection each time, so that both workers get some.
            answer = httpx.get(f"{url}/api/health/ready")
            assert answer.status_code == 200
            assert "server" not in answer.headers
        figures = httpx.get(f"http://127.0.0.1:{settings['GATEHOUSE_METRICS_PORT']}/metrics").text
        counted = 'gatehouse_http_requests_total{method="GET",route="/api/health/ready",status="200"} 20.0'
        assert counted in figures
        assert httpx.get(f"{url}/metrics").status_code == 404
        role.send_signal(signal.SIGTERM)
        logged = ended(role)
        assert role.returncode == 0
        assert "Traceback" not in logged
    assert list((Path(settings["GATEHOUSE_DATA_DIR"]) / "metrics").iterdir()) == []


def test_a_killed_parent_leaves_no_orphan_on_the_port(settings: Environment) -> None:
    with started(settings) as role:
        role.kill()
        ended(role)
        assert is_free(int(settings["GATEHOUSE_PORT"]))
    with started(settings):
        assert httpx.get(f"http://127.0.0.1:{settings['GATEHOUSE_PORT']}/api/health").status_code == 200


@pytest.mark.parametrize(
    ("taken", "words"),
    [("GATEHOUSE_PORT", "Choose another port with --port"), ("GATEHOUSE_METRICS_PORT", "Set GATEHOUSE_METRICS_PORT")],
)
def test_a_taken_port_is_told(settings: Environment, taken: str, words: str) -> None:
    other = settings | {"GATEHOUSE_PORT": str(free_port()), "GATEHOUSE_METRICS_PORT": str(free_port())}
    with started(settings | {"GATEHOUSE_API_WORKERS": "1"}):
        done = subprocess.run(
            [sys.executable, "-c", "from cli.main import app; app(['api'])"],
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=other | {taken: settings[taken]},
            timeout=PATIENCE,
        )
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
