"""What `gatehouse up` will run on this machine: which servers, on which ports, with which settings."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.local import binaries
from cli.local.account import Account
from cli.local.credentials import Credentials
from cli.local.directories import DataDirectory
from cli.local.ports import HOST, free_port, is_free, require_free
from cli.local.postgres import Postgres
from cli.local.supervise import Program
from cli.local.valkey import Valkey
from config.settings import METRICS_PORTS, Role

DEFAULT_PORT = 8000
ROLES: tuple[Role, ...] = ("api", "worker", "scheduler")


@dataclass(frozen=True)
class Plan:
    """A server that the user brings along is None here."""

    directory: DataDirectory
    credentials: Credentials
    port: int
    metrics_ports: Mapping[Role, int]
    postgres: Postgres | None
    valkey: Valkey | None
    chosen: Mapping[str, str]

    def settings(self) -> dict[str, str]:
        """Return what the roles need and the user did not choose; written to `settings.env` of the data directory.

        Not the schema owner's URL: no role may have it.
        """
        secrets = self.credentials
        values = {
            "GATEHOUSE_ENVIRONMENT": "development",
            "GATEHOUSE_PORT": str(self.port),
            "GATEHOUSE_PUBLIC_URL": f"http://{HOST}:{self.port}",
            "GATEHOUSE_SECRET_KEY": secrets.secret_key,
            "GATEHOUSE_ADMIN_TOKEN": secrets.admin_token,
        }
        if self.chosen.get("GATEHOUSE_SMS_PROVIDER", "sandbox") == "sandbox":
            # Signs the webhooks of the sandbox phone. With the real provider, only the real account will do.
            values["GATEHOUSE_TWILIO__ACCOUNT_SID"] = secrets.twilio_account_sid
            values["GATEHOUSE_TWILIO__AUTH_TOKEN"] = secrets.twilio_auth_token
        if self.postgres:
            values["GATEHOUSE_DATABASE_URL"] = self.postgres.url("gatehouse_app", secrets.app_password)
            values["GATEHOUSE_PLATFORM_DATABASE_URL"] = self.postgres.url(
                "gatehouse_platform", secrets.platform_password
            )
        redis = self.valkey.url() if self.valkey else self.chosen.get("GATEHOUSE_REDIS_URL", "")
        values["GATEHOUSE_REDIS_URL"] = redis
        values["GATEHOUSE_BROKER_URL"] = redis
        return {name: value for name, value in values.items() if name not in self.chosen}

    def programs(self) -> list[Program]:
        """Return the processes to supervise."""
        programs = []
        if self.postgres:
            programs.append(Program("postgres", self.postgres.argv(), self.postgres.account))
        if self.valkey:
            programs.append(Program("valkey", self.valkey.argv(), self.valkey.account))
        gatehouse = str(Path(sys.executable).with_name("gatehouse"))
        for role in ROLES:
            environment = {"GATEHOUSE_METRICS_PORT": str(self.metrics_ports[role])}
            programs.append(Program(role, [sys.executable, gatehouse, role], environment=environment))
        return programs


def make_plan(directory: DataDirectory, chosen: Mapping[str, str]) -> Plan:
    """Choose servers and ports. `chosen` holds the settings that the user made, by their full names.

    Raises `PortInUseError` when the API's port is taken, `NotInstalledError` when a server's wheel is missing.
    """
    credentials = Credentials.kept_in(directory.path / "secrets.json")
    port = int(chosen.get("GATEHOUSE_PORT", DEFAULT_PORT))
    require_free(port, what="the API", setting="PORT")
    ports = _remembered_ports(directory.run / "ports.json", chosen)
    account = directory.account()
    own_postgres = not {"GATEHOUSE_DATABASE_URL", "GATEHOUSE_PLATFORM_DATABASE_URL"} & chosen.keys()
    own_valkey = "GATEHOUSE_REDIS_URL" not in chosen
    return Plan(
        directory=directory,
        credentials=credentials,
        port=port,
        metrics_ports={role: ports[role] for role in ROLES},
        postgres=_postgres(directory, ports["postgres"], account, credentials) if own_postgres else None,
        valkey=_valkey(directory, ports["valkey"], account, credentials) if own_valkey else None,
        chosen=chosen,
    )


def _postgres(directory: DataDirectory, port: int, account: Account, credentials: Credentials) -> Postgres:
    return Postgres(directory.postgres, port, _binaries(directory, account), account, credentials.superuser_password)


def _valkey(directory: DataDirectory, port: int, account: Account, credentials: Credentials) -> Valkey:
    return Valkey(directory.valkey, port, _binaries(directory, account), account, credentials.valkey_password)


def _binaries(directory: DataDirectory, account: Account) -> binaries.Binaries:
    return binaries.reachable(binaries.installed(), account, directory.path / "programs")


def _remembered_ports(path: Path, chosen: Mapping[str, str]) -> dict[str, int]:
    """Return the ports of an earlier start where they are free, else the usual ones, else any that are free."""
    first_metrics = chosen.get("GATEHOUSE_METRICS_PORT")
    usual: dict[str, int] = {
        role: int(first_metrics) + number if first_metrics else METRICS_PORTS[role] for number, role in enumerate(ROLES)
    }
    known: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    ports: dict[str, int] = {}
    for name in ("postgres", "valkey", *ROLES):
        wanted = [known.get(name, 0), usual.get(name, 0)]
        ports[name] = next((port for port in wanted if port and is_free(port)), 0) or free_port()
    path.write_text(json.dumps(ports))
    return ports
