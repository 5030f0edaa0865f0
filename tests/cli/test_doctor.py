"""The doctor finds what is wrong with a system, and says what to do about each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from domain.kernel.schema import SCHEMA_REVISION
from providers.sealing import FernetSealer

if TYPE_CHECKING:
    from tests.cli.conftest import Environment, Run
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration


class Ready(BaseHTTPRequestHandler):
    """Answers as an api that is ready."""

    def do_GET(self) -> None:
        """Say so."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ready"}')

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def running(environment: Environment, database_urls: DatabaseUrls) -> Iterator[Environment]:
    """Return settings of a system where everything runs."""
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO workers (id, hostname, pid, queues, threads, version) VALUES (%s, 'here', 1, '{}', 8, '1')",
            [new_id()],
        )
    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield environment | {"GATEHOUSE_PUBLIC_URL": f"http://127.0.0.1:{server.server_port}"}
        server.shutdown()
        thread.join()


def problems(gatehouse: Run, settings: Environment) -> dict[str, dict[str, Any]]:
    ended = gatehouse("doctor", "--json", settings=settings)
    found = {finding["what"]: finding for finding in json.loads(ended.out) if finding["remedy"]}
    assert ended.status == (1 if found else 0)
    return found


def test_a_system_in_order_is_well(gatehouse: Run, running: Environment) -> None:
    ended = gatehouse("doctor", settings=running)
    assert ended.status == 0, ended.out
    assert ended.out.endswith("All is well.\n")
    assert f"schema {SCHEMA_REVISION}, rights in order" in ended.out
    for secret in (running["GATEHOUSE_SECRET_KEY"], running["GATEHOUSE_TWILIO__AUTH_TOKEN"]):
        assert secret not in ended.out


def test_without_settings_each_one_is_named(gatehouse: Run) -> None:
    ended = gatehouse("doctor")
    assert ended.status == 1
    assert "GATEHOUSE_SECRET_KEY is not set" in ended.out


def test_what_another_secret_key_sealed_is_a_problem_until_it_is_sealed_anew(
    gatehouse: Run, running: Environment, database_urls: DatabaseUrls
) -> None:
    before = running["GATEHOUSE_SECRET_KEY"]
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO users (id, email, sealed_totp_secret) VALUES (%s, 'ada@example.com', %s)",
            [new_id(), FernetSealer(before).seal("JBSWY3DPEHPK3PXP")],
        )
    assert "1 sealed with the present key, none with another" in gatehouse("doctor", settings=running).out
    changed = running | {"GATEHOUSE_SECRET_KEY": "another-secret-key-0123456789-0123456789"}
    lost = problems(gatehouse, changed)["secrets"]
    assert lost["found"].startswith("Sealed with a key that the settings do not name: 1 second factor (")
    changed |= {"GATEHOUSE_PREVIOUS_SECRET_KEY": before}
    found = problems(gatehouse, changed)["secrets"]
    assert found["found"] == "sealed with the previous key: 1 second factor"
    ended = gatehouse(*found["remedy"].removeprefix("Run: gatehouse ").split())
    assert (ended.status, ended.out) == (0, "reseal-secrets: Sealed anew: 1 second factor.\n")
    assert "secrets" not in problems(gatehouse, changed)


def test_misspelt_settings_are_problems(gatehouse: Run, running: Environment) -> None:
    found = problems(gatehouse, running | {"GATEHOUSE_SMS_PROVDER": "twilio"})
    assert found["settings"]["found"].endswith("Did you mean GATEHOUSE_SMS_PROVIDER?")


@pytest.mark.parametrize(
    ("change", "what", "words"),
    [
        ({"GATEHOUSE_DATABASE_URL": "postgresql://app:hunter2@127.0.0.1:1/x"}, "PostgreSQL, application", "connection"),
        ({"GATEHOUSE_REDIS_URL": "redis://:hunter2@127.0.0.1:1/0"}, "Redis", "refused"),
        ({"GATEHOUSE_BROKER_URL": "redis://:hunter2@127.0.0.1:1/0"}, "broker", "Redis: "),
        ({"GATEHOUSE_BROKER_URL": "amqp://app:hunter2@127.0.0.1:1/"}, "broker", "RabbitMQ: "),
        ({"GATEHOUSE_PUBLIC_URL": "http://127.0.0.1:1"}, "api", "does not answer"),
        ({"GATEHOUSE_TWILIO__AUTH_TOKEN": ""}, "webhooks", "every webhook is refused"),
    ],
)
def test_what_is_down_or_missing_is_found(
    gatehouse: Run, running: Environment, change: Environment, what: str, words: str
) -> None:
    found = problems(gatehouse, running | change)
    assert list(found) == [what]
    assert words in found[what]["found"]
    assert "hunter2" not in json.dumps(found)


def test_a_role_that_row_level_security_does_not_bind_is_found(
    gatehouse: Run, running: Environment, database_urls: DatabaseUrls
) -> None:
    found = problems(gatehouse, running | {"GATEHOUSE_DATABASE_URL": database_urls.superuser})
    assert "not bound by row-level security" in found["PostgreSQL, application"]["found"]


def test_an_older_schema_is_found(gatehouse: Run, running: Environment, database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert problems(gatehouse, running)["PostgreSQL, platform"]["remedy"] == "Run: gatehouse migrate"


def test_a_silent_worker_and_a_late_queue_are_found(
    gatehouse: Run, running: Environment, database_urls: DatabaseUrls
) -> None:
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        connection.execute("UPDATE workers SET heartbeat_at = now() - interval '1 min'")
        connection.execute(
            """INSERT INTO jobs (id, org_id, kind, queue, args, state, priority, run_at, attempt, max_attempts)
               VALUES (%s, '00000000-0000-0000-0000-000000000000', 'x.y', 'default', '{}', 'available', 0,
                       now() - interval '5 min', 0, 1)""",
            [new_id()],
        )
    found = problems(gatehouse, running)
    assert set(found) == {"workers", "queue"}
    assert re.fullmatch(r"the oldest due job waits 3\d\d s", found["queue"]["found"])


def test_what_waits_for_a_person_is_found(gatehouse: Run, running: Environment, database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        notice = new_id()
        connection.execute(
            "INSERT INTO operator_notices (id, org_id, kind, subject, words) VALUES (%s, %s, 'dead_letter', 'x', 'y')",
            [notice, PLATFORM_ORG_ID],
        )
        found = problems(gatehouse, running)["notices"]
        assert (found["found"], "gatehouse notices list" in found["remedy"]) == ("1 waits for a person", True)
        connection.execute("UPDATE operator_notices SET resolved_at = now() WHERE id = %s", [notice])
    assert "notices" not in problems(gatehouse, running)
