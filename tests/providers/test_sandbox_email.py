"""The sandbox mailbox: an e-mail is a row, once an attempt, in its tenant alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select

from domain.delivery.ports import Accepted, OutgoingEmail
from domain.kernel.database import Database
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from providers.measured import MeasuredEmail
from providers.sandbox.email import SandboxEmail
from providers.sandbox.models import SandboxMail
from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[Database]:
    apply(database_urls.platform, "demo")
    with closing(Database(database_urls.app, database_urls.platform)) as database:
        yield database


def email() -> OutgoingEmail:
    return OutgoingEmail(
        attempt_id=new_id(),
        org_id=ORGANIZATION_ID,
        client_id=CLIENT_ID,
        to="owner@harbor-plumbing.example",
        subject="Call-back request",
        body="Please call.",
        html_body="<p>Please call.</p>",
        sender_name="Harbor Plumbing",
        headers={"List-Unsubscribe": "<https://gatehouse.test/u/x>"},
    )


def test_an_email_is_kept_once_with_all_that_it_says(database: Database) -> None:
    sandbox, sent = SandboxEmail(database), email()
    accepted = sandbox.send(sent)

    assert accepted == Accepted(f"SE{sent.attempt_id.hex}", "delivered")
    assert sandbox.send(sent) == accepted
    with database.tenant_scope(ORGANIZATION_ID) as session:
        (row,) = session.scalars(select(SandboxMail))
    assert row.from_address == "Harbor Plumbing via Gatehouse <gatehouse@sandbox.invalid>"
    assert (row.to_address, row.subject, row.body, row.html_body) == (sent.to, sent.subject, sent.body, sent.html_body)
    assert row.headers == sent.headers
    with database.tenant_scope(PLATFORM_ORG_ID) as session:
        assert session.scalars(select(SandboxMail)).all() == []


def test_what_is_sent_is_counted(database: Database) -> None:
    before = accepted_calls()
    MeasuredEmail(SandboxEmail(database)).send(email())
    assert accepted_calls() - before == 1


def accepted_calls() -> float:
    labels = {"provider": "sandbox", "operation": "send_email", "outcome": "accepted"}
    return REGISTRY.get_sample_value("gatehouse_provider_calls_total", labels) or 0.0
