"""`gatehouse deliveries`: what waits for a person, and the decision."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
import pytest

from domain.kernel.ids import new_id
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID

if TYPE_CHECKING:
    from tests.cli.conftest import Environment, Run
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration


def test_what_waits_for_a_person_is_found_and_decided(
    gatehouse: Run, environment: Environment, database_urls: DatabaseUrls
) -> None:
    apply(database_urls.platform, "demo")
    delivery = new_id()
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO deliveries (id, org_id, client_id, purpose, channel, to_address, body, state, attempts,"
            " asked_person_at) VALUES (%s, %s, %s, 'reply', 'sms', '+15005550001', 'Hello', 'unknown', 1, now())",
            [delivery, ORGANIZATION_ID, CLIENT_ID],
        )
        connection.execute(
            "INSERT INTO notification_logs (id, org_id, client_id, delivery_id, attempt, provider, outcome)"
            " VALUES (%s, %s, %s, %s, 1, 'twilio', 'unknown')",
            [new_id(), ORGANIZATION_ID, CLIENT_ID, delivery],
        )
        listed = gatehouse("deliveries", "list", "--needs-person", "--json", settings=environment)
        assert [(row["id"], row["needs_person"]) for row in json.loads(listed.out)] == [(str(delivery), True)]
        assert "5005550001" not in listed.out

        shown = json.loads(gatehouse("deliveries", "show", str(delivery), "--json").out)
        assert [one["outcome"] for one in shown["tries"]] == ["unknown"]
        assert "The provider reported nothing." in gatehouse("deliveries", "show", str(delivery)).out

        unclear = gatehouse("deliveries", "resolve", str(delivery), "--sent", "--resend", "--reason", "x")
        assert (unclear.status, "one of" in unclear.err) == (1, True)
        decided = gatehouse("deliveries", "resolve", str(delivery), "--sent", "--reason", "It is in the log.")
        assert (decided.status, decided.out.strip()) == (0, "It is sent now.")
        assert connection.execute("SELECT action, role, reason FROM admin_audit_logs").fetchall() == [
            ("delivery.resolve", "operator", "It is in the log.")
        ]
        assert gatehouse("deliveries", "resolve", str(delivery), "--give-up", "--reason", "x").status == 1
        assert gatehouse("deliveries", "show", str(new_id())).status == 1
        assert "No delivery fits that." in gatehouse("deliveries", "list", "--needs-person").out


def test_a_refused_sender_is_shown_and_cleared(
    gatehouse: Run, environment: Environment, database_urls: DatabaseUrls
) -> None:
    apply(database_urls.platform, "demo")
    flag = new_id()
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO sender_flags (id, org_id, client_id, sender, reason) VALUES (%s, %s, %s, 'MG1', 'Refused.')",
            [flag, ORGANIZATION_ID, CLIENT_ID],
        )
    assert "Refused." in gatehouse("deliveries", "senders", settings=environment).out
    assert gatehouse("deliveries", "clear-sender", str(flag), "--reason", "Registered.").status == 0
    assert "No sender is refused." in gatehouse("deliveries", "senders").out
    assert gatehouse("deliveries", "clear-sender", str(flag), "--reason", "Registered.").status == 1
