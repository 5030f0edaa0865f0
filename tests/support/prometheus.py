"""A real Prometheus that scrapes a running house by our own configuration, only faster."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from cli.local.ports import free_port
from tests.support.eventually import eventually
from tests.support.servers import ROOT

_CONFIG: Final = ROOT / "deploy" / "prometheus" / "prometheus.yml"
_STOP_SECONDS: Final = 20


class Prometheus:
    """Its HTTP API."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=10)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ready(self) -> bool:
        """Return whether it answers."""
        try:
            return self._client.get("/-/ready").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def up(self) -> set[str]:
        """Return the roles whose last scrape succeeded."""
        targets = self._get("/api/v1/targets")["activeTargets"]
        return {target["labels"]["role"] for target in targets if target["health"] == "up"}

    def names(self) -> set[str]:
        """Return the names of all metrics that it has seen."""
        return set(self._get("/api/v1/label/__name__/values"))

    def rules(self) -> list[dict[str, Any]]:
        """Return all rules with how their last evaluation went."""
        return [rule for group in self._get("/api/v1/rules")["groups"] for rule in group["rules"]]

    def value(self, expression: str) -> float | None:
        """Return the only value of an expression, None when there is none."""
        found = self._get("/api/v1/query", query=expression)["result"]
        return float(found[0]["value"][1]) if found else None

    def _get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401  whatever was asked for
        return self._client.get(path, params=parameters).raise_for_status().json()["data"]


@contextmanager
def running_prometheus(program: Path, ports: Mapping[str, int], directory: Path) -> Iterator[Prometheus]:
    """Run it on our configuration with other targets until the end of the block. `ports`: of each role's metrics."""
    config = yaml.safe_load(_CONFIG.read_text())
    config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(_CONFIG.parent / path) for path in config["rule_files"]]
    (job,) = [job for job in config["scrape_configs"] if job["job_name"] == "gatehouse"]
    for group in job["static_configs"]:
        group["targets"] = [f"127.0.0.1:{ports[group['labels']['role']]}"]
    config["scrape_configs"] = [job]
    path = directory / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    with (directory / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={path}",
                f"--storage.tsdb.path={directory / 'series'}",
                f"--web.listen-address={address}",
                "--log.level=warn",
            ],
            stdout=log,
            stderr=log,
        )
    prometheus = Prometheus(f"http://{address}")
    try:
        eventually(prometheus.ready, within=30, what="Prometheus")
        yield prometheus
    finally:
        prometheus.close()
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
