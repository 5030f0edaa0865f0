"""Answering for the AI, and looking after alerts, from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest

from domain.conversations.accept import ACCEPT, Inbound, parameters
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from tests.cli.conftest import Environment, Run
from tests.support.hand_worker import HandWorker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.settings import Settings
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration


@pytest.fixture
def connection(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    apply(database_urls.platform, "demo")
    with psycopg.connect(database_urls.platform, autocommit=True) as connection:
        yield connection


@pytest.fixture
def conversation_id(
    connection: psycopg.Connection[Any], environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Let a customer have been answered once."""
    message = Inbound(ORGANIZATION_ID, CLIENT_ID, "sms", "+15005550001", "When do you open?", uuid4().hex)
    connection.execute(ACCEPT, parameters([message], direct=False))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with HandWorker(_settings()) as worker:
        worker.work()
    row = connection.execute("SELECT id::text FROM conversations").fetchone()
    assert row is not None
    return str(row[0])


def _settings() -> Settings:
    from config.settings import load_settings  # noqa: PLC0415 - reads the environment that the fixture sets

    return load_settings()


def test_a_person_answers_reads_and_gives_back(
    gatehouse: Run, environment: Environment, conversation_id: str, connection: psycopg.Connection[Any]
) -> None:
    answered = gatehouse("conversations", "reply", conversation_id, "Dana here.", "--owner", settings=environment)
    assert answered.status == 0, answered.err
    assert "It is on its way. The AI is silent until " in answered.out
    shown = gatehouse("conversations", "show", conversation_id, settings=environment).out
    assert "Answered by owner: " in shown
    assert "Dana here." in shown
    document = json.loads(gatehouse("conversations", "show", conversation_id, "--json", settings=environment).out)
    assert [line["author"] for line in document["lines"]] == ["contact", "ai", "person"]

    released = gatehouse("conversations", "release", conversation_id, settings=environment)
    assert "The AI answers from the next message on." in released.out
    assert "The AI has it already." in gatehouse("conversations", "release", conversation_id, settings=environment).out
    actions = connection.execute("SELECT action FROM admin_audit_logs ORDER BY id").fetchall()
    assert actions == [("conversation.reply",), ("conversation.release",)]


def test_the_gate_and_unknown_conversations_are_told_in_one_line(
    gatehouse: Run, environment: Environment, conversation_id: str, connection: psycopg.Connection[Any]
) -> None:
    connection.execute("UPDATE clients SET outbound_paused = true")
    refused = gatehouse("conversations", "reply", conversation_id, "Hello", settings=environment)
    assert (refused.status, refused.err.strip()) == (
        1,
        "Nothing was sent: Everything outbound is paused for this client.",
    )
    unknown = gatehouse("conversations", "show", str(uuid4()), settings=environment)
    assert (unknown.status, unknown.err.strip()) == (1, "There is no such conversation in this organization.")


@pytest.mark.usefixtures("connection")
def test_the_status_of_alerts_is_told_in_words(gatehouse: Run, environment: Environment) -> None:
    status = gatehouse("notifications", "status", str(CLIENT_ID), settings=environment)
    assert status.out.startswith("You are alerted by text message.")
    document = json.loads(gatehouse("notifications", "status", str(CLIENT_ID), "--json", settings=environment).out)
    assert [channel["channel"] for channel in document["channels"]] == ["sms", "email"]


def test_a_test_waits_for_its_end_or_says_why_there_is_none(
    gatehouse: Run, environment: Environment, connection: psycopg.Connection[Any]
) -> None:
    sent = gatehouse("notifications", "test", str(CLIENT_ID), "--wait", "0", settings=environment)
    assert "sms: pending. It still waits to be sent." in sent.out

    connection.execute("UPDATE client_settings SET notification_channel = 'none'")
    refused = gatehouse("notifications", "test", str(CLIENT_ID), settings=environment)
    assert refused.status == 1
    assert refused.err.startswith("Requests are saved but you won't be alerted. Alerts are turned off")


def test_the_ids_that_commands_ask_for_can_be_looked_up(
    gatehouse: Run, environment: Environment, conversation_id: str
) -> None:
    shown = gatehouse("clients", "list", settings=environment).out
    assert "Harbor Plumbing" in shown
    assert "Harbor Services" in shown
    (client,) = json.loads(gatehouse("clients", "list", "--json", settings=environment).out)
    assert (client["id"], client["org_id"]) == (str(CLIENT_ID), str(ORGANIZATION_ID))
    assert "There is no client." in gatehouse("clients", "list", "--after", client["id"], settings=environment).out
    assert "There is no client." in gatehouse("clients", "list", "--org", conversation_id, settings=environment).out
    assert "Harbor Plumbing" in gatehouse("clients", "list", "--org", "harbor-services", settings=environment).out
    assert "no such organization" in gatehouse("clients", "list", "--org", "nobody", settings=environment).err

    (conversation,) = json.loads(gatehouse("conversations", "list", client["id"], "--json", settings=environment).out)
    assert (conversation["id"], conversation["address"]) == (conversation_id, "[phone …01]")
    assert "the AI" in gatehouse("conversations", "list", client["id"], settings=environment).out
    gatehouse("conversations", "reply", conversation_id, "Dana here.", "--owner", settings=environment)
    assert "owner: " in gatehouse("conversations", "list", client["id"], settings=environment).out
    assert "Nobody has written yet." in gatehouse("conversations", "list", conversation_id, settings=environment).out


def test_whether_a_channel_is_used_is_said_in_words(
    gatehouse: Run, environment: Environment, conversation_id: str
) -> None:
    assert conversation_id
    shown = gatehouse("notifications", "status", str(CLIENT_ID), settings=environment).out
    assert [line.split()[:3] for line in shown.splitlines()[-2:]] == [["sms", "yes", "yes"], ["email", "no", "no"]]
