"""A server that stops ends its streams: the browser gets a whole answer and opens the next one elsewhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from cli.local.ports import free_port
from migrations.seeds import apply
from tests.api.widget.conftest import events_of, say
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]


def test_an_open_stream_ends_whole_when_the_server_stops(
    database_urls: DatabaseUrls, redis_url: str, broker_url: str, tmp_path: Path
) -> None:
    apply(database_urls.platform, "demo")
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "GATEHOUSE_ENVIRONMENT": "test",
        "GATEHOUSE_DATA_DIR": str(tmp_path),
        "GATEHOUSE_DATABASE_URL": database_urls.app,
        "GATEHOUSE_PLATFORM_DATABASE_URL": database_urls.platform,
        "GATEHOUSE_REDIS_URL": redis_url,
        "GATEHOUSE_BROKER_URL": broker_url,
        "GATEHOUSE_SECRET_KEY": "secret-key-for-tests-0123456789-0123456789",
        "GATEHOUSE_METRICS_PORT": str(free_port()),
    }
    command = [sys.executable, "-c", f"from cli.main import app; app(['api', '--port', '{port}'])"]
    with (
        subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client,
    ):
        try:
            eventually(lambda: answers(client), within=60, what="The start of the server")
            conversation = say(client).json()
            with client.stream("GET", events_of(conversation)) as stream:
                lines = stream.iter_lines()
                next(line for line in lines if line.startswith("data:"))
                begun = time.monotonic()
                server.send_signal(signal.SIGTERM)
                rest = list(lines)  # Raises when the answer is cut off.
            assert not any(line.startswith("data:") for line in rest)
            assert server.wait(20) == 0
            assert time.monotonic() - begun < 9
        finally:
            server.kill()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/api/health").is_success
    except httpx.TransportError:
        return False
