"""The sandbox: a text is a row, once an attempt, in its tenant alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.delivery.errors import ProviderRejectedError
from domain.delivery.ports import Accepted, OutgoingSms, Report
from domain.kernel.database import Database
from domain.kernel.ids import new_id
from migrations.seeds import apply
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID
from providers.sandbox.models import SandboxMessage
from providers.sandbox.sms import SandboxSms
from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration


@pytest.fixture
def database(database_urls: DatabaseUrls) -> Iterator[Database]:
    apply(database_urls.platform, "demo")
    with closing(Database(database_urls.app, database_urls.platform)) as database:
        yield database


def text() -> OutgoingSms:
    return OutgoingSms(new_id(), ORGANIZATION_ID, CLIENT_ID, "+15005550001", "Hello", "+15005550006", None, None)


def test_a_text_is_kept_once_and_found_again(database: Database) -> None:
    woken: list[UUID] = []
    sandbox, sms = SandboxSms(database, woken.append), text()
    accepted = sandbox.send(sms)

    assert accepted == Accepted(f"SB{sms.attempt_id.hex}", "delivered")
    assert sandbox.send(sms) == accepted
    assert woken == [CLIENT_ID, CLIENT_ID]
    assert sandbox.find(sms, datetime.now(UTC)) == [accepted]
    assert sandbox.find(text(), datetime.now(UTC)) == []
    with database.tenant_scope(ORGANIZATION_ID) as session:
        (row,) = session.scalars(select(SandboxMessage))
        assert (row.to_address, row.from_address, row.body) == ("+15005550001", "+15005550006", "Hello")
    with database.tenant_scope(new_id()) as session:
        assert session.scalars(select(SandboxMessage)).all() == []


def test_a_page_is_woken_only_when_the_text_is_there_to_see(database: Database) -> None:
    seen: list[int] = []

    def look(_: UUID) -> None:
        with database.platform_scope() as session:
            seen.append(len(session.scalars(select(SandboxMessage)).all()))

    SandboxSms(database, look).send(text())
    assert seen == [1]


def test_a_messaging_service_may_be_the_sender_and_nothing_may_not(database: Database) -> None:
    sandbox = SandboxSms(database, lambda _: None)
    service = "MG" + "0" * 32
    sandbox.send(replace(text(), from_number=None, messaging_service_sid=service))
    with pytest.raises(ProviderRejectedError) as refused:
        sandbox.send(replace(text(), from_number=None))
    assert refused.value.code == 21703


def test_what_was_sent_is_fetched_as_delivered(database: Database) -> None:
    sandbox = SandboxSms(database, lambda _: None)
    accepted = sandbox.send(text())
    assert sandbox.fetch(accepted.provider_id) == Report("delivered", None)
    assert sandbox.fetch("SB" + "0" * 32) is None
