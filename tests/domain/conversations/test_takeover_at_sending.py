"""A person answers while the AI's reply is already on its way: what is still stopped, and what can't be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from config.settings import Settings
from domain.audit.record import Actor
from domain.conversations.takeover import Person, Refused, reply_as_person
from migrations.seeds.demo import ORGANIZATION_ID
from tests.domain.conversations.conftest import CUSTOMER, House, Row
from tests.support.hand_worker import HandWorker
from tests.support.twilio_double import TwilioDouble

if TYPE_CHECKING:
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
DANA = Person(Actor("dana", "operator"))
WORDS = "Dana here, one moment."


@dataclass
class Street:
    """The house, a provider, and a worker that sends. `meanwhile` is done while the provider is being called."""

    house: House
    twilio: TwilioDouble
    worker: HandWorker
    meanwhile: list[Callable[[], object]] = field(default_factory=list)

    def send(self) -> None:
        self.worker.work("delivery.send")

    def reply(self) -> None:
        (row,) = self.house.rows("SELECT id FROM conversations")
        with self.house.database.tenant_scope(ORGANIZATION_ID) as session:
            answer = reply_as_person(session, row["id"], WORDS, DANA, clock=self.house.clock)
        assert not isinstance(answer, Refused)

    def texts(self) -> list[str]:
        return [message.fields["Body"] for message in self.twilio.messages]

    def delivery(self, purpose: str) -> Row:
        return next(row for row in self.house.deliveries() if row["purpose"] == purpose)


@pytest.fixture
def street(house: House, database_urls: DatabaseUrls) -> Iterator[Street]:
    meanwhile: list[Callable[[], object]] = []

    def happen(_: object) -> None:
        while meanwhile:
            meanwhile.pop()()

    with TwilioDouble(on_request=happen) as twilio:
        settings = Settings.model_validate(
            {
                "environment": "test",
                "database_url": database_urls.app,
                "platform_database_url": database_urls.platform,
                "broker_url": "redis://127.0.0.1:1/0",
                "redis_url": "redis://127.0.0.1:1/0",
                "secret_key": "secret-key-for-tests-0123456789-0123456789",
                "public_url": "https://gatehouse.test",
                "sms_provider": "twilio",
                "twilio": {
                    "account_sid": twilio.account_sid,
                    "auth_token": twilio.auth_token,
                    "api_base_url": twilio.url,
                },
            }
        )
        with HandWorker(settings) as worker:
            yield Street(house, twilio, worker, meanwhile)


@pytest.mark.parametrize("form", ["reply", "fallback"])
def test_a_reply_that_waits_to_be_sent_is_stopped(street: Street, form: str) -> None:
    if form == "fallback":
        street.house.throw("ai_disabled = true")
    street.house.prefer_no_alerts()
    street.house.handle(street.house.receive("hello"))
    street.reply()
    street.send()

    assert street.texts() == [WORDS]
    stopped = street.delivery(form)
    assert stopped["state"] == "cancelled"
    assert stopped["error_text"].startswith("A person is answering until ")
    (decision,) = street.house.rows("SELECT * FROM guard_logs WHERE guard = 'not_taken_over'")
    assert (decision["subject"], decision["block"]) == (f"delivery:{stopped['id']}", "hard")


def test_a_call_that_is_under_way_is_not_recalled_and_is_on_record(street: Street) -> None:
    street.house.handle(street.house.receive("hello"))
    street.meanwhile.append(street.reply)
    street.send()

    assert street.texts() == ["You asked: hello", WORDS]
    assert street.delivery("reply")["state"] in {"accepted", "sent"}
    (held,) = street.house.rows("SELECT taken_over_by FROM conversations")
    assert held == {"taken_over_by": "operator: dana"}


def test_advice_for_an_emergency_that_waits_is_sent_all_the_same(street: Street) -> None:
    street.house.prefer_no_alerts()
    street.house.handle(street.house.receive("I want to die"))
    street.reply()
    street.send()

    advice, persons = street.texts()
    assert "911" in advice
    assert persons == WORDS


def test_a_person_does_not_text_who_opts_out_before_it_is_sent(street: Street) -> None:
    street.house.handle(street.house.receive("hello"))
    street.reply()
    street.house.receive("STOP")
    street.send()

    assert street.texts() == []
    assert street.delivery("person")["state"] == "cancelled"


def test_the_takeover_of_one_conversation_leaves_the_others_alone(street: Street) -> None:
    street.house.handle(street.house.receive("hello"))
    street.reply()
    street.house.handle(street.house.receive("hello too", address="+15005550002"))
    street.send()

    assert sorted(street.texts()) == [WORDS, "You asked: hello too"]
    assert [row["to_address"] for row in street.house.deliveries() if row["state"] == "cancelled"] == [CUSTOMER]
