"""`gatehouse up` as a new user meets it: one command, a printed line to paste, Ctrl-C, and what can go wrong."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest

from cli.local import processes
from cli.local.ports import free_port
from tests.support.places import passable_directory

pytestmark = pytest.mark.scenario

PROCESSES = {"supervisord", "postgres", "valkey", "api", "worker", "scheduler"}
GATEHOUSE = str(Path(sys.executable).with_name("gatehouse"))


@pytest.fixture(scope="module")
def environment() -> Iterator[Mapping[str, str]]:
    """Return the environment of a new user, with a data directory and a port of the tests' own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
    with passable_directory() as place:
        own = {
            "GATEHOUSE_DATA_DIR": str(place / "data"),
            "PORT": str(free_port()),
            # Other tests may start roles on the usual ones at the same time.
            "GATEHOUSE_METRICS_PORT": str(free_port()),
            "GATEHOUSE_WORKER_PROCESSES": "1",
        }
        yield {**inherited, **own}


class Up:
    """A running `gatehouse up` that has said it is up."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.printed = ""
        assert process.stdout is not None
        for line in process.stdout:
            self.printed += line
            if line.startswith("See the answer"):
                return
        pytest.fail(f"It ended without being up:\n{self.printed}")

    def paste_curl(self) -> httpx.Response:
        """Send what the printed `curl` line would send."""
        (line,) = [line for line in self.printed.splitlines() if line.startswith("curl ")]
        _, _, url, _, header, _, body = shlex.split(line)
        name, _, value = header.partition(": ")
        return httpx.post(url, headers={name: value}, data=dict(parse_qsl(body)), trust_env=False)


@contextmanager
def up(environment: Mapping[str, str]) -> Iterator[Up]:
    """Run the command, and end it with SIGTERM if the test has not."""
    with start(environment) as process:
        try:
            yield Up(process)
        finally:
            process.terminate()


def start(environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [GATEHOUSE, "up"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def outcome(environment: Mapping[str, str]) -> tuple[int, str]:
    """Run the command to its end."""
    with start(environment) as process:
        printed, _ = process.communicate(timeout=60)
        return process.returncode, printed


def running(environment: Mapping[str, str]) -> dict[str, int]:
    """Return the processes of ours that run on the data directory."""
    files = Path(environment["GATEHOUSE_DATA_DIR"], "run").glob("*.process")
    return {file.stem: pid for file in files if (pid := processes.recorded(file))}


def test_the_printed_line_is_accepted_and_ctrl_c_leaves_nothing_running(environment: Mapping[str, str]) -> None:
    with up(environment) as gatehouse:
        assert set(running(environment)) == PROCESSES
        first, repeat = gatehouse.paste_curl(), gatehouse.paste_curl()
        assert (first.status_code, repeat.status_code) == (200, 200)
        assert first.headers["content-type"].startswith("text/xml")

        # A second one on the same data is told so, and does no harm.
        status, printed = outcome({**environment, "PORT": str(free_port())})
        assert status == 1
        assert "already runs" in printed
        assert set(running(environment)) == PROCESSES

        gatehouse.process.send_signal(signal.SIGINT)
        assert gatehouse.process.wait() == 0
    assert running(environment) == {}


def test_it_starts_again_whatever_was_killed(environment: Mapping[str, str]) -> None:
    with up(environment) as first:
        first.process.kill()
        first.process.wait()
        assert set(running(environment)) == PROCESSES

    # Its supervisor, which went on alone, is stopped before anything new begins.
    with up(environment) as second:
        assert left_running(second) == {"supervisord"}
        os.kill(running(environment)["supervisord"], signal.SIGKILL)
        second.process.kill()
        second.process.wait()

    # Now the servers and roles are nobody's children.
    with up(environment) as third:
        assert left_running(third) >= {"postgres", "valkey", "api"}
        assert third.paste_curl().status_code == 200
    assert running(environment) == {}


def left_running(gatehouse: Up) -> set[str]:
    """Return what it says that an earlier start left running."""
    told = " ".join(gatehouse.printed.split()).partition("left running: ")[2].partition(".")[0]
    return set(told.split(", "))


def test_a_taken_port_is_told_before_anything_starts(environment: Mapping[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        status, printed = outcome({**environment, "PORT": str(port)})
    assert status == 1
    assert f"Port {port} is in use" in printed
    assert running(environment) == {}


def test_wrong_settings_are_told_before_anything_starts(environment: Mapping[str, str]) -> None:
    status, printed = outcome({**environment, "GATEHOUSE_SMS_PROVIDER": "twilio"})
    assert status == 1
    assert "GATEHOUSE_TWILIO__ACCOUNT_SID" in printed
    assert "Traceback" not in printed
    assert running(environment) == {}
