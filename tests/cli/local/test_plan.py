"""Which servers run, where, and with which settings."""

from __future__ import annotations

import socket

import pytest

from cli.local.directories import DataDirectory
from cli.local.errors import PortInUseError
from cli.local.plan import make_plan
from cli.local.ports import HOST, free_port


@pytest.fixture
def port() -> str:
    return str(free_port())


def test_by_default_both_servers_are_ours(directory: DataDirectory, port: str) -> None:
    plan = make_plan(directory, {"GATEHOUSE_PORT": port})
    assert [program.name for program in plan.programs()] == ["postgres", "valkey", "api", "worker", "scheduler"]
    settings = plan.settings()
    assert settings["GATEHOUSE_DATABASE_URL"].startswith("postgresql://gatehouse_app:")
    assert settings["GATEHOUSE_PLATFORM_DATABASE_URL"].startswith("postgresql://gatehouse_platform:")
    assert settings["GATEHOUSE_REDIS_URL"] == settings["GATEHOUSE_BROKER_URL"]


def test_no_role_is_given_the_owners_url(directory: DataDirectory, port: str) -> None:
    plan = make_plan(directory, {"GATEHOUSE_PORT": port})
    assert "GATEHOUSE_OWNER_DATABASE_URL" not in plan.settings()
    assert plan.credentials.owner_password not in str(plan.settings())


def test_servers_of_the_user_are_used_instead(directory: DataDirectory, port: str) -> None:
    chosen = {
        "GATEHOUSE_PORT": port,
        "GATEHOUSE_DATABASE_URL": "postgresql://app@db/x",
        "GATEHOUSE_PLATFORM_DATABASE_URL": "postgresql://platform@db/x",
        "GATEHOUSE_REDIS_URL": "redis://cache/0",
    }
    plan = make_plan(directory, chosen)
    assert plan.postgres is None
    assert plan.valkey is None
    assert plan.settings()["GATEHOUSE_BROKER_URL"] == "redis://cache/0"
    assert not chosen.keys() & plan.settings().keys()


def test_another_broker_still_needs_redis(directory: DataDirectory, port: str) -> None:
    plan = make_plan(directory, {"GATEHOUSE_PORT": port, "GATEHOUSE_BROKER_URL": "amqp://rabbit/"})
    assert plan.valkey is not None
    assert "GATEHOUSE_BROKER_URL" not in plan.settings()


def test_the_real_provider_is_never_given_made_up_credentials(directory: DataDirectory, port: str) -> None:
    plan = make_plan(directory, {"GATEHOUSE_PORT": port, "GATEHOUSE_SMS_PROVIDER": "twilio"})
    assert not [name for name in plan.settings() if "TWILIO" in name]


def test_ports_are_remembered_until_somebody_else_takes_one(directory: DataDirectory, port: str) -> None:
    first = make_plan(directory, {"GATEHOUSE_PORT": port})
    again = make_plan(directory, {"GATEHOUSE_PORT": port})
    assert first.postgres is not None
    assert again.postgres is not None
    assert again.postgres.port == first.postgres.port
    with socket.create_server((HOST, first.postgres.port)):
        moved = make_plan(directory, {"GATEHOUSE_PORT": port})
    assert moved.postgres is not None
    assert moved.postgres.port != first.postgres.port


def test_each_role_has_a_metrics_port_of_its_own(directory: DataDirectory, port: str) -> None:
    plan = make_plan(directory, {"GATEHOUSE_PORT": port, "GATEHOUSE_METRICS_PORT": str(free_port())})
    assert len(set(plan.metrics_ports.values())) == 3


def test_the_apis_port_is_not_moved_silently(directory: DataDirectory, port: str) -> None:
    with socket.create_server((HOST, int(port))), pytest.raises(PortInUseError, match=port):
        make_plan(directory, {"GATEHOUSE_PORT": port})
