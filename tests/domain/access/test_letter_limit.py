"""All that others have written to one person is bounded, and nobody can use that to keep the person out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from domain.access.invitations import see_invitation
from domain.access.letter_limit import MOST_LETTERS, may_be_written_to
from domain.access.letters_wanted import answer_wanted, want_letter
from domain.access.means import AccountMeans
from domain.access.messages import AnswerResetRequest, SendWantedLetter
from domain.access.password_changes import answer_reset_request, request_reset, see_reset
from domain.access.people import get_user
from domain.access.tokens import issue_token
from domain.access.users import disable_user
from domain.kernel.clock import ManualClock
from domain.kernel.database import raw_connection
from domain.kernel.ids import new_id
from domain.queue.claim import claim
from domain.queue.message import decode
from domain.queue.presence import WorkerInfo, register
from domain.queue.run import Run
from tests.support.invitations import NoPost, invited, lead_of, letters, viewer
from tests.support.people import BOOK, NOW, OPERATOR, SEALER, VISITOR, make_place, make_user

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.kernel.database import Database

pytestmark = pytest.mark.integration
ADA = "ada@example.com"
NEW = "new@example.com"


def test_many_organizations_together_fill_nobodys_mailbox(database: Database) -> None:
    places = [make_place(database) for _ in range(MOST_LETTERS + 3)]
    with capture_logs() as logs:
        held = [invited(database, NEW, viewer(place), lead_of(place)) for place in places]
    assert len(letters(database)) == MOST_LETTERS
    said = [line for line in logs if line["event"] == "accounts.too_many_letters"]
    assert [line["user_id"] for line in said] == [str(held[0].user_id)] * 3
    assert NEW not in str(logs)
    with database.platform_scope() as session:
        ended = session.scalars(text("SELECT state FROM jobs WHERE kind = 'access.invitation' ORDER BY id")).all()
    assert ended == ["completed"] * MOST_LETTERS + ["cancelled"] * 3
    # The last letter that came opens all that they are invited to: a letter that is too many voids no link.
    with database.platform_scope() as session:
        sealed = letters(database)[-1].sealed_token or ""
        assert len(see_invitation(session, BOOK, SEALER.unseal(sealed), NOW).offers) == MOST_LETTERS + 3
    invited(database, NEW, viewer(places[0]), lead_of(places[0]), NOW + timedelta(hours=1))
    assert len(letters(database)) == MOST_LETTERS + 1


def test_what_others_have_written_keeps_nobody_from_a_letter_that_they_ask_for_themselves(database: Database) -> None:
    user_id = make_user(database, ADA)
    use_up(database, user_id)
    with database.platform_scope() as session:
        token = issue_token(session, user_id, "reset_password", ADA, NOW - timedelta(minutes=10))
        want_letter(session, get_user(session, user_id), "", OPERATOR)
    work(database, "access.letter_wanted")
    assert letters(database) == []
    with database.platform_scope() as session:
        assert see_reset(session, token, NOW).id == user_id
        request_reset(session, ADA, VISITOR, sealer=SEALER)
    work(database, "access.reset_asked")
    assert [one.letter for one in letters(database)] == ["reset_password"]


def test_a_disabled_account_is_not_written_to_and_has_nothing_counted(database: Database) -> None:
    user_id = make_user(database, ADA)
    with database.platform_scope() as session:
        disable_user(session, BOOK, user_id, "Left.", OPERATOR, NOW)
        want_letter(session, get_user(session, user_id), "", OPERATOR)
    work(database, "access.letter_wanted")
    assert letters(database) == []
    with database.platform_scope() as session:
        assert session.scalars(text("SELECT failures FROM guess_counts")).all() == []


def test_a_clock_that_was_ahead_once_stops_no_letters_for_good(database: Database) -> None:
    user_id = make_user(database, ADA)
    use_up(database, user_id, NOW + timedelta(days=400))
    with database.platform_scope() as session:
        assert may_be_written_to(session, user_id, NOW)


def use_up(database: Database, user_id: UUID, now: datetime = NOW) -> None:
    with database.platform_scope() as session:
        assert all(may_be_written_to(session, user_id, now) for _ in range(MOST_LETTERS))
        assert not may_be_written_to(session, user_id, now)


def work(database: Database, kind: str) -> None:
    """Do the one job of a kind."""
    means = AccountMeans(NoPost(), SEALER, ManualClock(NOW), "https://gatehouse.test")
    with database.platform_scope() as session:
        connection, worker_id = raw_connection(session), new_id()
        register(connection, WorkerInfo(worker_id, "test", 1, ["default"], 1, "0"))
        waiting = text("SELECT id FROM jobs WHERE kind = :kind AND state = 'available'")
        (claimed,) = claim(connection, worker_id, session.scalars(waiting, {"kind": kind}).all())
    if kind == "access.letter_wanted":
        answer_wanted(decode(SendWantedLetter, claimed.args), Run(claimed, database), means)
    else:
        answer_reset_request(decode(AnswerResetRequest, claimed.args), Run(claimed, database), means)
