"""What operators set for the platform counts for a client that says nothing else, at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from domain.audit.record import Actor
from domain.conversations.takeover import Person, Replied, reply_as_person
from domain.flags.definitions import ANSWER_THRESHOLD, LATE_MINUTES, TAKEOVER_MINUTES
from domain.flags.inforce import IN_FORCE, CodeDefaults
from domain.flags.ports import Number
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID

if TYPE_CHECKING:
    from tests.domain.conversations.conftest import House

pytestmark = pytest.mark.integration


class Told(CodeDefaults):
    """Says to the demo client what it was told to."""

    def __init__(self, **values: float) -> None:
        self._values = {name.replace("__", "."): value for name, value in values.items()}

    def integer(self, key: str, default: int, *, org_id: UUID | None = None, client_id: UUID | None = None) -> int:
        return int(self._value(key, default, org_id, client_id))

    def float(self, key: str, default: Number, *, org_id: UUID | None = None, client_id: UUID | None = None) -> Number:
        return self._value(key, default, org_id, client_id)

    def _value(self, key: str, default: Number, org_id: UUID | None, client_id: UUID | None) -> Number:
        theirs = (org_id, client_id) == (ORGANIZATION_ID, CLIENT_ID)
        return self._values.get(key, default) if theirs else default


def _tell(house: House, key: str, value: float) -> None:
    house.database.inform(**{IN_FORCE: Told(**{key: value})})


@pytest.mark.parametrize(("own", "expected"), [("NULL", 0.7), ("0.25", 0.25)])
def test_replies_go_by_the_platforms_threshold_unless_the_client_has_one(
    house: House, own: str, expected: float
) -> None:
    _tell(house, ANSWER_THRESHOLD.key, 0.7)
    house.connection.execute(f"UPDATE client_settings SET answer_threshold = {own}")  # noqa: S608 - of the test
    house.handle(house.receive("When do you open?"))
    assert [asked.threshold for asked in house.composer.asked] == [expected]


@pytest.mark.parametrize(("own", "expected"), [("NULL", 7), ("10", 10)])
def test_a_takeover_lasts_as_long_as_the_platform_says_unless_the_client_does(
    house: House, own: str, expected: int
) -> None:
    _tell(house, TAKEOVER_MINUTES.key, 7)
    house.connection.execute(f"UPDATE client_settings SET takeover_minutes = {own}")  # noqa: S608 - of the test
    house.handle(house.receive("Hello?"))
    (conversation,) = house.rows("SELECT id FROM conversations")
    with house.database.platform_scope() as session:
        person = Person(Actor("ann", "operator"))
        replied = reply_as_person(session, conversation["id"], "Hi.", person, clock=house.clock)
    assert isinstance(replied, Replied)
    assert replied.taken_over_until == house.clock.now() + timedelta(minutes=expected)


def test_what_counts_as_late_is_set_while_it_runs(house: House) -> None:
    for minutes, answered in ((60, False), (600, True)):
        _tell(house, LATE_MINUTES.key, minutes)
        message = house.receive("Are you there?", address=f"+1500555{minutes:04}")
        house.connection.execute(
            "UPDATE messages SET came_by = 'spool', received_at = now() - interval '2 hours' WHERE address = %s",
            [message.address],
        )
        before = len(house.replies())
        house.handle(message)
        assert (len(house.replies()) > before) is answered
