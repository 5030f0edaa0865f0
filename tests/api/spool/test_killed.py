"""What was answered is brought in, even if the API is killed between keeping it and the end of the outage."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from cli.local.ports import free_port
from tests.api.spool.conftest import Edge
from tests.support.eventually import eventually
from tests.support.servers import ROOT
from tests.support.twilio_webhook import AUTH_TOKEN, encoded, signed, sms_form

pytestmark = pytest.mark.integration


@contextmanager
def _api(edge: Edge, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the API as its command does, until the block ends; it is killed then, without a word."""
    settings = edge.settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")} | {
        "GATEHOUSE_ENVIRONMENT": "test",
        "GATEHOUSE_DATABASE_URL": settings.database_url.get_secret_value(),
        "GATEHOUSE_PLATFORM_DATABASE_URL": settings.platform_database_url.get_secret_value(),
        "GATEHOUSE_BROKER_URL": settings.broker_url.get_secret_value(),
        "GATEHOUSE_REDIS_URL": settings.redis_url.get_secret_value(),
        "GATEHOUSE_PUBLIC_URL": settings.public_url,
        "GATEHOUSE_SECRET_KEY": settings.secret_key.get_secret_value(),
        "GATEHOUSE_DATA_DIR": str(settings.data_dir),
        "GATEHOUSE_PORT": str(port),
        "GATEHOUSE_METRICS_PORT": "0",
        "GATEHOUSE_TWILIO__ACCOUNT_SID": str(settings.twilio.account_sid),
        "GATEHOUSE_TWILIO__AUTH_TOKEN": AUTH_TOKEN,
    }
    command = [str(Path(sys.executable).with_name("gatehouse")), "api"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: _alive(port), within=60, what="The API")
        yield process
    finally:
        process.kill()
        process.wait()


def _alive(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/api/health").is_success
    except httpx.HTTPError:
        return False


def test_nothing_that_was_answered_dies_with_the_process(edge: Edge) -> None:
    port = free_port()
    edge.proxy.set("refuse")
    with _api(edge, port), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=15) as client:
        for number in range(5):
            form = sms_form(f"text {number}")
            headers = signed(edge.settings.public_url, form)
            answer = client.post("/webhooks/twilio/sms", content=encoded(form), headers=headers)
            assert answer.status_code == 200
    assert edge.kept() == {"files": 5}
    assert edge.stored() == []
    edge.proxy.set("pass")
    with _api(edge, port):
        assert edge.wait_stored(5) == [(f"text {number}", "spool") for number in range(5)]
        eventually(lambda: edge.kept() == {})
