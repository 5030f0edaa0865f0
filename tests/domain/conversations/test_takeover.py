"""A person answers in place of the AI: what is sent, what is kept back, and who wins when both are at it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain.audit.record import Actor
from domain.conversations.messages import Channel
from domain.conversations.start import KeyReusedError
from domain.conversations.takeover import (
    ConversationNotFoundError,
    Person,
    Refused,
    Replied,
    UnwritableError,
    release,
    reply_as_person,
)
from domain.kernel.errors import InvalidInputError
from domain.kernel.ids import new_id
from domain.queue.outcome import Cancel, Done
from migrations.seeds.demo import ORGANIZATION_ID
from tests.domain.conversations.conftest import CUSTOMER, House

pytestmark = pytest.mark.integration
DANA = Person(Actor("dana", "operator"))
OWNER = Person(Actor("admin token", "super_admin"), "owner", "Dana Reyes")


@dataclass
class Colleague:
    """A person who answers the only conversation that there is."""

    house: House
    by: Person = DANA
    answers: list[Replied | Refused] = field(default_factory=list)

    @property
    def conversation_id(self) -> UUID:
        (row,) = self.house.rows("SELECT id FROM conversations")
        conversation_id: UUID = row["id"]
        return conversation_id

    def reply(self, text: str = "Dana here, one moment.", key: str | None = None) -> Replied | Refused:
        with self.house.database.tenant_scope(ORGANIZATION_ID) as session:
            answer = reply_as_person(session, self.conversation_id, text, self.by, clock=self.house.clock, key=key)
        self.answers.append(answer)
        return answer

    def release(self) -> bool:
        with self.house.database.tenant_scope(ORGANIZATION_ID) as session:
            return release(session, self.conversation_id, self.by, clock=self.house.clock)

    def until(self) -> datetime | None:
        (row,) = self.house.rows("SELECT taken_over_until FROM conversations")
        until: datetime | None = row["taken_over_until"]
        return until


@pytest.fixture
def person(house: House) -> Colleague:
    house.handle(house.receive("hello"))
    return Colleague(house)


def test_a_persons_reply_is_sent_and_the_ai_is_silent(house: House, person: Colleague) -> None:
    answer = person.reply()

    assert isinstance(answer, Replied)
    *_, delivery = house.deliveries()
    assert (delivery["id"], delivery["purpose"], delivery["to_address"]) == (answer.delivery_id, "person", CUSTOMER)
    *_, reply = house.replies()
    assert (reply["author"], reply["came_by"], reply["body"]) == ("person", "person", "Dana here, one moment.")
    assert house.handle(house.receive("and when?")) == Done(
        f"Left to a person: A person is answering until {_wall(house, minutes=60)}."
    )
    assert house.outcomes() == ["answered", "left_to_person"]
    assert len(house.composer.asked) == 1
    assert len(house.replies()) == 2


def test_it_belongs_to_the_journey_of_what_the_contact_wrote_last(house: House, person: Colleague) -> None:
    message = house.receive("are you there?")
    house.handle(message)
    person.reply()

    *_, reply = house.replies()
    assert reply["correlation_id"] == message.correlation_id


def test_the_takeover_lasts_as_long_as_the_client_wants_it(house: House, person: Colleague) -> None:
    house.connection.execute("UPDATE client_settings SET takeover_minutes = 10")
    person.reply()
    assert person.until() == house.clock.now() + timedelta(minutes=10)

    house.clock.advance(timedelta(minutes=10))
    assert house.handle(house.receive("hello again")) == Done("answer")


def test_what_was_left_to_the_person_stays_left_when_the_takeover_ends(house: House, person: Colleague) -> None:
    person.reply()
    house.handle(house.receive("left"))
    assert person.release()

    assert house.handle(house.receive("new")) == Done("answer")
    assert house.outcomes() == ["answered", "left_to_person", "answered"]
    assert house.composer.asked[-1].question == "new"


def test_a_conversation_is_given_back_once(person: Colleague) -> None:
    assert not person.release()
    person.reply()
    assert person.release()
    assert not person.release()
    assert person.until() is None


def test_each_reply_prolongs_the_takeover_and_none_shortens_it(house: House, person: Colleague) -> None:
    person.reply()
    house.clock.advance(timedelta(minutes=30))
    house.connection.execute("UPDATE client_settings SET takeover_minutes = 5")
    before = person.until()
    person.reply("still here")
    assert person.until() == before


def test_a_repeat_sends_nothing_again(house: House, person: Colleague) -> None:
    first = person.reply(key="k1")
    assert person.reply(key="k1") == first
    assert [delivery["purpose"] for delivery in house.deliveries()] == ["reply", "person"]
    with pytest.raises(KeyReusedError):
        person.reply("something else", key="k1")


def test_the_same_reply_sent_twice_at_once_leaves_once(house: House, person: Colleague) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(lambda _: person.reply(key="k1"), range(4)))

    assert len(answers) == 1
    assert [delivery["purpose"] for delivery in house.deliveries()] == ["reply", "person"]


@pytest.mark.parametrize(
    ("obstacle", "reason"),
    [("opted out", "The recipient has opted out"), ("paused", "Everything outbound is paused")],
)
def test_an_opt_out_and_the_kill_switches_win_over_a_person(
    house: House, person: Colleague, obstacle: str, reason: str
) -> None:
    if obstacle == "opted out":
        house.handle(house.receive("STOP"))
    else:
        house.throw("outbound_paused = true")

    answer = person.reply()

    assert isinstance(answer, Refused)
    assert answer.reason.startswith(reason)
    assert [delivery["purpose"] for delivery in house.deliveries()] == ["reply"]
    assert person.until() is None
    *_, decision = house.rows("SELECT * FROM guard_logs ORDER BY id")
    assert (decision["guard"], decision["allowed"]) == ("can_send_sms", False)


def test_quiet_hours_do_not_keep_a_person_from_writing(house: House, person: Colleague) -> None:
    house.connection.execute("UPDATE client_settings SET quiet_hours_start = '00:00', quiet_hours_end = '23:59:59'")
    assert isinstance(person.reply(), Replied)


def test_in_the_chat_it_is_shown_and_not_texted(house: House) -> None:
    house.handle(house.receive("hello", "web", "visitor-1"))
    answer = Colleague(house, OWNER).reply()

    assert isinstance(answer, Replied)
    assert answer.delivery_id is None
    assert [reply["author"] for reply in house.replies()] == ["ai", "person"]
    assert house.rows("SELECT taken_over_by FROM conversations") == [{"taken_over_by": "owner: Dana Reyes"}]


def test_what_was_done_is_on_record_without_the_text(house: House, person: Colleague) -> None:
    person.reply()
    person.release()

    rows = house.rows("SELECT * FROM admin_audit_logs ORDER BY id")
    assert [row["action"] for row in rows] == ["conversation.reply", "conversation.release"]
    assert {row["actor"] for row in rows} == {"dana"}
    assert "one moment" not in str(rows)


def test_an_empty_text_an_unknown_conversation_and_a_short_code_are_refused(house: House) -> None:
    house.handle(house.receive("your code is 1", address="72345"))
    person = Colleague(house)
    with pytest.raises(UnwritableError):
        person.reply()
    with pytest.raises(InvalidInputError):
        person.reply("  \x00 ")
    with pytest.raises(ConversationNotFoundError), house.database.tenant_scope(ORGANIZATION_ID) as session:
        reply_as_person(session, new_id(), "hello", DANA, clock=house.clock)


@pytest.mark.parametrize("channel", ["sms", "web"])
def test_a_reply_that_is_being_composed_is_discarded_when_a_person_answers(house: House, channel: Channel) -> None:
    message = house.receive("what does it cost?", channel)
    composing, answered = threading.Event(), threading.Event()

    def compose_slowly() -> None:
        composing.set()
        assert answered.wait(20)

    house.composer.meanwhile = compose_slowly
    run = house.claim(message)
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(house.process, run)
        assert composing.wait(20)
        Colleague(house).reply()
        answered.set()
        assert isinstance(outcome.result(20), Done)

    assert [reply["author"] for reply in house.replies()] == ["person"]
    assert house.outcomes() == ["left_to_person"]
    *_, decision = house.rows("SELECT * FROM guard_logs WHERE guard = 'not_taken_over' ORDER BY id")
    assert (decision["allowed"], decision["block"]) == (False, "hard")


def test_a_fallback_text_does_not_talk_over_a_person_either(house: House, person: Colleague) -> None:
    person.reply()
    house.throw("ai_disabled = true")
    house.handle(house.receive("hello?"))

    assert house.outcomes() == ["answered", "left_to_person"]


def test_a_switch_still_suppresses_what_a_person_would_answer(house: House, person: Colleague) -> None:
    person.reply()
    house.throw("outbound_paused = true")

    assert isinstance(house.handle(house.receive("hello?")), Cancel)


def _wall(house: House, *, minutes: int) -> str:
    zone = "America/New_York"
    return f"{(house.clock.now() + timedelta(minutes=minutes)).astimezone(ZoneInfo(zone)):%H:%M} in {zone}"
