"""The files for containers can't be run by the tests; these keep them in step with the code that they start."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from pydantic import BaseModel

from cli.main import app
from config.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
ROLES = ("api", "worker", "scheduler")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    document: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())
    return document["services"]


def settings_of(model: type[BaseModel], above: str = "GATEHOUSE_") -> set[str]:
    """Return the environment variables that a model reads."""
    names = set()
    for name, field in model.model_fields.items():
        names.add(f"{above}{name}".upper())
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names |= settings_of(field.annotation, f"{above}{name}__")
    return names


def image_environment() -> dict[str, str]:
    """Return the variables that the image sets."""
    stages = DOCKERFILE.read_text().replace("\\\n", " ").split("\nFROM ")
    lines = [line for line in stages[-1].splitlines() if line.startswith("ENV ")]
    return dict(pair.split("=", 1) for line in lines for pair in line.split()[1:])


def test_every_variable_is_a_setting(services: dict[str, Any]) -> None:
    used = {name for service in services.values() for name in service.get("environment", {})}
    used |= image_environment().keys()
    ours = {name for name in used if name.startswith("GATEHOUSE_")}
    assert ours
    assert ours - settings_of(Settings) == set()


def test_every_command_is_one_of_ours(services: dict[str, Any]) -> None:
    command = typer.main.get_command(app)
    known = set(getattr(command, "commands", {}))
    for name in (*ROLES, "migrate"):
        assert services[name]["command"][0] in known


def test_every_role_gets_the_same_settings_and_only_migrate_the_owners(services: dict[str, Any]) -> None:
    for name in ROLES:
        environment = services[name]["environment"]
        assert "GATEHOUSE_OWNER_DATABASE_URL" not in environment
        assert services["api"]["environment"].items() - environment.items() <= {
            ("GATEHOUSE_API_WORKERS", "${GATEHOUSE_API_WORKERS:-2}")
        }
    assert set(services["migrate"]["environment"]) == {"GATEHOUSE_OWNER_DATABASE_URL"}


def test_every_variable_asked_of_the_user_is_explained() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", COMPOSE.read_text()))
    explained = set(re.findall(r"^(\w+)=", (ROOT / "deploy" / "compose.env.example").read_text(), re.MULTILINE))
    assert asked <= explained
    optional = set(re.findall(r"\$\{(\w+):-", COMPOSE.read_text()))
    assert explained <= asked | optional


def test_files_that_are_mounted_exist(services: dict[str, Any]) -> None:
    mounts = [volume for service in services.values() for volume in service.get("volumes", [])]
    paths = [ROOT / mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    assert paths
    assert [path for path in paths if not path.exists()] == []


def test_the_roles_script_asks_for_what_the_database_service_is_given(services: dict[str, Any]) -> None:
    asked = set(re.findall(r"^\\getenv \w+ (\w+)$", (ROOT / "deploy/postgres/roles.sql").read_text(), re.MULTILINE))
    assert asked
    assert asked <= services["postgres"]["environment"].keys()


def test_images_are_pinned_and_every_service_is_watched(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.fullmatch(r".+:(v?\d+\.\d+.*|\$\{GATEHOUSE_IMAGE_TAG:-local\})", service["image"]), name
        # The image's own check serves the roles that name none.
        assert "healthcheck" in service or name in {"worker", "scheduler"}, name


def test_a_stopped_worker_has_time_to_finish(services: dict[str, Any]) -> None:
    from workers.main import SHUTDOWN_SECONDS  # noqa: PLC0415 - the worker's own figure

    assert int(services["worker"]["stop_grace_period"].removesuffix("s")) > SHUTDOWN_SECONDS


def test_prometheus_asks_each_role_where_it_answers() -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    (job,) = [job for job in config["scrape_configs"] if job["job_name"] == "gatehouse"]
    targets = {target for group in job["static_configs"] for target in group["targets"]}
    port = image_environment()["GATEHOUSE_METRICS_PORT"]
    assert targets == {f"{role}:{port}" for role in ROLES}


def test_the_dockerfile_has_no_finding() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, "--no-color", DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_image_runs_as_an_ordinary_user_and_is_watched() -> None:
    last = DOCKERFILE.read_text().split("\nFROM ")[-1]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert "\nHEALTHCHECK " in last
    for line in re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE):
        assert re.search(r":\d+\.\d+", line), f"{line} is not pinned"


def test_no_secret_reaches_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".env", "deploy/compose.env", ".gatehouse/", ".git/"} <= set(ignored)


def test_docker_reads_the_file_where_docker_is() -> None:
    """Ask `docker compose` itself; without it there is nothing to ask, and the tests above must do."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        return
    example = (ROOT / "deploy" / "compose.env.example").read_text()
    filled = dict(re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE))
    environment = {name: value or "x" * 32 for name, value in filled.items()} | {"PATH": "/usr/bin:/usr/local/bin"}
    subprocess.run([docker, "compose", "-f", COMPOSE, "config", "-q"], check=True, env=environment)
