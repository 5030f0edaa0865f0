"""`gatehouse up`: everything on this machine, from nothing, under one supervisor."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

from cli.local import chosen, postgres, valkey
from cli.local.directories import SETTING, DataDirectory
from cli.local.errors import ServerFailedError
from cli.local.greeting import greet
from cli.local.plan import Plan, make_plan
from cli.local.readiness import wait_ready
from cli.local.supervise import Supervisor, stop_leftovers
from config.settings import Settings, load_settings

DEFAULT_DIRECTORY = ".gatehouse"
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def up() -> int:
    """Start everything and stay until Ctrl-C or SIGTERM; return the exit status.

    Raises `LocalServerError` and `SettingsError`, each with what to do about it. Whatever was started has stopped then.
    """
    began = time.monotonic()
    console = Console()
    directory = DataDirectory(Path(os.environ.get(SETTING) or DEFAULT_DIRECTORY).absolute())
    directory.prepare()
    with _stopped_by_signals(), directory.exclusively():
        left = stop_leftovers(directory)
        if left:
            console.print(f"Stopped what an earlier start left running: {', '.join(left)}.")
        plan = make_plan(directory, chosen.chosen_settings())
        settings = _settle(plan)
        supervisor = Supervisor(directory, plan.programs(), plan.credentials.supervisor_password)
        try:
            _start(console, plan, supervisor, settings)
            greet(console, plan, settings, time.monotonic() - began)
            status = supervisor.wait()
        except KeyboardInterrupt:
            console.print("\nStopping: first the roles, which finish what they do, then the servers …")
            return 0
        finally:
            _ignore_signals()
            supervisor.stop()
    raise ServerFailedError(f"The supervisor ended by itself (status {status}).", f"See {directory.logs}.")


def _settle(plan: Plan) -> Settings:
    """Write the settings down and check them together with what the user chose. Raises `SettingsError`."""
    chosen.write_settings(plan.directory.path, plan.settings())
    # The roles are told of the directory, and of PORT by its full name, through the environment that they inherit.
    os.environ[SETTING] = str(plan.directory.path)
    os.environ["GATEHOUSE_PORT"] = str(plan.port)
    return load_settings()


def _start(console: Console, plan: Plan, supervisor: Supervisor, settings: Settings) -> None:
    if plan.postgres:
        if plan.postgres.exists():
            plan.postgres.require_same_version()
            plan.postgres.clear_stale_pid()
        else:
            console.print(f"Creating a database in {plan.directory.path} …")
            plan.postgres.create()
    if plan.valkey:
        plan.valkey.configure()
    supervisor.start(os.environ)
    if plan.postgres:
        postgres.wait_ready(
            plan.postgres.superuser_url(), lambda: supervisor.failed("postgres"), log=supervisor.log_of("postgres")
        )
        postgres.apply_roles(plan.postgres.binaries, plan.postgres.superuser_url(), plan.credentials.role_passwords())
    if plan.valkey:
        valkey.wait_ready(plan.valkey.url(), lambda: supervisor.failed("valkey"), log=supervisor.log_of("valkey"))
    _migrate(plan, settings)
    supervisor.start_roles()
    wait_ready(plan, supervisor, settings)


def _migrate(plan: Plan, settings: Settings) -> None:
    # Late, because a mistake in the settings should be told at once.
    from migrations import apply, seeds  # noqa: PLC0415

    if plan.postgres:
        owner = plan.postgres.url("gatehouse_owner", plan.credentials.owner_password)
    else:
        owner = settings.postgres_url("owner")
    apply.upgrade(owner)
    seeds.apply(settings.postgres_url("platform"), "demo")


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Turn each signal that asks us to stop into a KeyboardInterrupt."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    """Let a second Ctrl-C change nothing: the servers are already being stopped in order."""
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)
