"""The supervisor: supervisord, configured for our processes and driven over its own interface.

It restarts what crashes, rotates the logs, and stops the roles before the servers that they use.
"""

from __future__ import annotations

import http.client
import os
import shlex
import signal
import subprocess
import sys
import time
import xmlrpc.client  # it only talks to our own supervisor on the loopback address
from collections.abc import Mapping, Sequence
from configparser import RawConfigParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from cli.local import launch, processes
from cli.local.account import Account
from cli.local.directories import DataDirectory
from cli.local.errors import ServerFailedError
from cli.local.ports import HOST, free_port

Group = Literal["servers", "roles"]

_PRIORITY: Mapping[Group, int] = {"servers": 10, "roles": 20}
"""Groups stop in falling order, each only when the one before has stopped."""


@dataclass(frozen=True)
class _Ending:
    group: Group
    signal: signal.Signals
    seconds: int


_ENDINGS: Mapping[str, _Ending] = {
    # Gives its running jobs 25 seconds, then hands them back.
    "worker": _Ending("roles", signal.SIGTERM, 40),
    "scheduler": _Ending("roles", signal.SIGTERM, 30),
    "api": _Ending("roles", signal.SIGTERM, 30),
    # SIGINT is PostgreSQL's fast shutdown: it ends the sessions and writes a checkpoint.
    "postgres": _Ending("servers", signal.SIGINT, 60),
    "valkey": _Ending("servers", signal.SIGTERM, 30),
}
"""How each of our programs is stopped, in the order in which leftovers are."""
_SUPERVISORD = "supervisord"
_STOP_SECONDS = 120.0
_START_SECONDS = 15.0
_RECHECK_SECONDS = 0.05


@dataclass(frozen=True)
class Program:
    """One process to keep running: `postgres`, `valkey`, `api`, `worker` or `scheduler`.

    `account` is for the servers: it also keeps our environment away from them.
    """

    name: str
    command: Sequence[str]
    account: Account | None = None
    environment: Mapping[str, str] | None = None

    @property
    def group(self) -> Group:
        """What it starts and stops with."""
        return _ENDINGS[self.name].group


class Supervisor:
    """One supervisord on one data directory."""

    def __init__(self, directory: DataDirectory, programs: Sequence[Program], password: str) -> None:
        self._directory = directory
        self._programs = programs
        self._password = password
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, environment: Mapping[str, str]) -> None:
        """Start supervisord and the servers. The roles wait for `start_roles`. Raises `ServerFailedError`."""
        config = self._directory.run / "supervisord.conf"
        config.touch(mode=0o600)
        with config.open("w") as file:
            self._configuration().write(file)
        supervisord = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "--configuration", str(config)]
        with (self._directory.logs / "supervisord-start.log").open("wb") as log:
            self._process = subprocess.Popen(
                self._launched(_SUPERVISORD, supervisord),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for us alone: we stop things in order.
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise ServerFailedError("The supervisor did not start.", f"Its log says why: {log.name}")
            time.sleep(_RECHECK_SECONDS)

    def start_roles(self) -> None:
        """Start api, worker and scheduler."""
        self._call("supervisor.startProcessGroup", "roles", False)  # noqa: FBT003 - the interface has no names

    def failed(self, name: str) -> bool:
        """Tell whether a program is down: it ended early and waits for another try, or was given up."""
        if self._process is None or self._process.poll() is not None:
            return True
        return self._state(name) in {"BACKOFF", "EXITED", "FATAL", "UNKNOWN"}

    def running(self, name: str) -> bool:
        """Tell whether a program has been up for a second."""
        return self._state(name) == "RUNNING"

    def pid(self, name: str) -> int:
        """Return the process that a program runs as now; 0 between a crash and the next try."""
        return int(self._info(name)["pid"])

    def log_of(self, name: str) -> Path:
        """Return where a program's output goes."""
        return self._directory.logs / f"{name}.log"

    def wait(self) -> int:
        """Return supervisord's exit status once it has ended."""
        assert self._process is not None  # noqa: S101 - start() comes first
        return self._process.wait()

    def stop(self) -> None:
        """Stop the roles, then the servers, then the supervisor; returns when all are gone."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def _state(self, name: str) -> str:
        return str(self._info(name)["statename"])

    def _info(self, name: str) -> dict[str, Any]:
        return cast("dict[str, Any]", self._call("supervisor.getProcessInfo", f"{_ENDINGS[name].group}:{name}"))

    def _answers(self) -> bool:
        try:
            self._call("supervisor.getState")
        except (OSError, http.client.HTTPException):
            return False
        return True

    def _call(self, method: str, *arguments: object) -> object:
        # A connection a call: the proxy's own is not safe across threads, and these calls are rare.
        with xmlrpc.client.ServerProxy(f"http://gatehouse:{self._password}@{HOST}:{self._port}/RPC2") as proxy:
            return getattr(proxy, method)(*arguments)

    def _configuration(self) -> RawConfigParser:
        config = RawConfigParser()
        config["supervisord"] = {
            "nodaemon": "true",
            "silent": "true",
            "logfile": _literal(self._directory.logs / "supervisord.log"),
            "logfile_maxbytes": "5MB",
            "logfile_backups": "2",
            "pidfile": _literal(self._directory.run / "supervisord.pid"),
            "childlogdir": _literal(self._directory.logs),
            "directory": _literal(Path.cwd()),
            **({"user": "root"} if os.geteuid() == 0 else {}),
        }
        config["inet_http_server"] = {
            "port": f"{HOST}:{self._port}",
            "username": "gatehouse",
            "password": self._password,
        }
        config["rpcinterface:supervisor"] = {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        }
        for group, priority in _PRIORITY.items():
            members = ",".join(program.name for program in self._programs if program.group == group)
            if members:
                config[f"group:{group}"] = {"programs": members, "priority": str(priority)}
        for program in self._programs:
            config[f"program:{program.name}"] = self._section(program)
        return config

    def _section(self, program: Program) -> dict[str, str]:
        command = self._launched(program.name, program.command, program.account)
        ending = _ENDINGS[program.name]
        environment = {"PYTHONUNBUFFERED": "1", **(program.environment or {})}
        return {
            "command": _literal(shlex.join(command)),
            "autostart": "true" if program.group == "servers" else "false",
            "autorestart": "true",
            "startsecs": "1",
            "startretries": "30",
            "stopsignal": ending.signal.name.removeprefix("SIG"),
            "stopwaitsecs": str(ending.seconds),
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": _literal(self.log_of(program.name)),
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": "3",
            "environment": ",".join(f'{name}="{_literal(value)}"' for name, value in environment.items()),
        }

    def _launched(self, name: str, command: Sequence[str], account: Account | None = None) -> list[str]:
        rights = f"{account.uid}:{account.gid}" if account else launch.KEEP
        return [sys.executable, "-m", launch.__name__, str(_identity_file(self._directory, name)), rights, *command]


def stop_leftovers(directory: DataDirectory) -> list[str]:
    """Stop what an earlier start left running when it was killed; return the names of what was still there.

    Only for the one that holds the directory (`DataDirectory.exclusively`).
    """
    found = []
    if processes.stop(_identity_file(directory, _SUPERVISORD), signal.SIGTERM, seconds=_STOP_SECONDS):
        found.append(_SUPERVISORD)
    for name, ending in _ENDINGS.items():
        if processes.stop(_identity_file(directory, name), ending.signal, seconds=ending.seconds):
            found.append(name)
    return found


def _identity_file(directory: DataDirectory, name: str) -> Path:
    return directory.run / f"{name}.process"


def _literal(value: object) -> str:
    """Keep supervisord from reading a per cent sign as the start of a variable."""
    return str(value).replace("%", "%%")
