"""The supervisor with real servers: they come back after a crash with their data, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cli.local import postgres, processes, valkey
from cli.local.directories import DataDirectory
from cli.local.plan import Plan, make_plan
from cli.local.ports import free_port
from cli.local.supervise import Supervisor, stop_leftovers
from tests.support.places import passable_directory

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def plan() -> Iterator[Plan]:
    """Return what runs on a data directory that the tests of this module use one after the other."""
    with passable_directory() as place:
        directory = DataDirectory(place / "data")
        directory.prepare()
        yield created(directory)


def created(directory: DataDirectory) -> Plan:
    plan = make_plan(directory, {"GATEHOUSE_PORT": str(free_port())})
    assert plan.postgres is not None
    assert plan.valkey is not None
    plan.postgres.create()
    plan.valkey.configure()
    return plan


@pytest.fixture
def supervisor(plan: Plan) -> Iterator[Supervisor]:
    supervisor = start(plan)
    yield supervisor
    supervisor.stop()


def start(plan: Plan) -> Supervisor:
    """Start the servers and return when both answer."""
    supervisor = Supervisor(plan.directory, plan.programs(), plan.credentials.supervisor_password)
    supervisor.start(os.environ)
    wait_for_servers(plan, supervisor)
    return supervisor


def wait_for_servers(plan: Plan, supervisor: Supervisor) -> None:
    assert plan.postgres is not None
    assert plan.valkey is not None
    postgres.wait_ready(plan.postgres.superuser_url(), lambda: False, log=supervisor.log_of("postgres"))
    valkey.wait_ready(plan.valkey.url(), lambda: False, log=supervisor.log_of("valkey"))


def pid_of(plan: Plan, name: str) -> int:
    pid = processes.recorded(plan.directory.run / f"{name}.process")
    assert pid is not None
    return pid


def control_data(plan: Plan) -> str:
    """Return what the cluster says of itself while it does not run."""
    assert plan.postgres is not None
    command = [plan.postgres.binaries.postgres("pg_controldata"), str(plan.postgres.data)]
    return subprocess.run(command, capture_output=True, text=True, check=True, env={"LC_ALL": "C"}).stdout


def write(plan: Plan) -> None:
    assert plan.postgres is not None
    assert plan.valkey is not None
    with psycopg.connect(plan.postgres.superuser_url()) as connection:
        connection.execute("DROP TABLE IF EXISTS kept")
        connection.execute("CREATE TABLE kept AS SELECT 1 AS value")
    with redis.Redis.from_url(plan.valkey.url()) as client:
        client.set("kept", "1")


def assert_kept(plan: Plan) -> None:
    assert plan.postgres is not None
    assert plan.valkey is not None
    with psycopg.connect(plan.postgres.superuser_url()) as connection:
        assert connection.execute("SELECT value FROM kept").fetchone() == (1,)
    with redis.Redis.from_url(plan.valkey.url()) as client:
        assert client.get("kept") == b"1"


def test_both_servers_keep_their_data_over_a_clean_stop(plan: Plan) -> None:
    supervisor = start(plan)
    write(plan)
    supervisor.stop()
    assert "Database cluster state:               shut down\n" in control_data(plan)
    assert "bye bye" in supervisor.log_of("valkey").read_text()

    supervisor = start(plan)
    try:
        assert_kept(plan)
    finally:
        supervisor.stop()


def test_a_killed_server_comes_back_with_its_data(plan: Plan, supervisor: Supervisor) -> None:
    assert plan.postgres is not None
    write(plan)
    killed = pid_of(plan, "postgres")
    os.kill(killed, signal.SIGKILL)
    wait_for_end(plan.directory.run / "postgres.process", killed)
    wait_for_servers(plan, supervisor)
    assert_kept(plan)
    assert pid_of(plan, "postgres") != killed


def test_servers_whose_supervisor_was_killed_are_stopped_at_the_next_start(plan: Plan) -> None:
    assert plan.postgres is not None
    first = start(plan)
    write(plan)
    os.kill(pid_of(plan, "supervisord"), signal.SIGKILL)
    first.wait()
    orphans = {pid_of(plan, name) for name in ("postgres", "valkey")}

    assert stop_leftovers(plan.directory) == ["postgres", "valkey"]

    assert not {pid for pid in orphans if processes.identity(pid)}
    assert "Database cluster state:               shut down\n" in control_data(plan)
    plan.postgres.clear_stale_pid()
    second = start(plan)
    try:
        assert_kept(plan)
    finally:
        second.stop()


def test_a_supervisor_that_was_left_alone_is_stopped_with_its_servers(plan: Plan) -> None:
    supervisor = start(plan)
    left = {pid_of(plan, name) for name in ("postgres", "valkey")}
    # In life nobody waits for it any more; here its zombie has to be reaped by us.
    reaper = threading.Thread(target=supervisor.wait)
    reaper.start()
    assert stop_leftovers(plan.directory) == ["supervisord"]
    reaper.join()
    assert not {pid for pid in left if processes.identity(pid)}


def test_the_servers_are_given_no_secret_of_ours(plan: Plan) -> None:
    supervisor = Supervisor(plan.directory, plan.programs(), plan.credentials.supervisor_password)
    supervisor.start({**os.environ, "GATEHOUSE_TWILIO__AUTH_TOKEN": "a secret"})
    try:
        wait_for_servers(plan, supervisor)
        for name in ("postgres", "valkey"):
            assert b"GATEHOUSE" not in Path(f"/proc/{pid_of(plan, name)}/environ").read_bytes()
    finally:
        supervisor.stop()


def test_the_servers_answer_on_the_loopback_address_with_a_password_alone(plan: Plan, supervisor: Supervisor) -> None:
    assert plan.postgres is not None
    assert plan.valkey is not None
    assert supervisor.running("postgres") or not supervisor.failed("postgres")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://postgres:wrong@127.0.0.1:{plan.postgres.port}/postgres")
    without_password = redis.Redis(port=plan.valkey.port, retry=Retry(NoBackoff(), 0))
    with without_password as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def wait_for_end(identity: Path, pid: int) -> None:
    """Return once the process is gone; the supervisor reaps it."""
    while processes.recorded(identity) == pid:
        threading.Event().wait(0.01)
