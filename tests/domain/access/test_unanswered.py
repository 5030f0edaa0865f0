"""Accounts that an invitation made and nobody used are forgotten, and no others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text, update

from domain.access.consent import OPEN_FOR
from domain.access.invitations import Invitation, invite
from domain.access.messages import SweepSessions
from domain.access.models import Membership, OidcIdentity, User
from domain.access.sweep import sweep_sessions
from domain.access.tokens import issue_token
from domain.access.unanswered import AT_ONCE, forget_unanswered
from domain.access.users import create_user, disable_user
from domain.kernel.clock import ManualClock
from domain.kernel.database import raw_connection
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from domain.queue.claim import claim
from domain.queue.enqueue import enqueue
from domain.queue.presence import WorkerInfo, register
from domain.queue.run import Run
from tests.support.eventually import eventually
from tests.support.invitations import invited, lead_of, viewer
from tests.support.people import BOOK, NOW, OPERATOR, acts, make_place, make_user

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.kernel.database import Database

pytestmark = pytest.mark.integration
NEW = "new@example.com"
LATER = NOW + OPEN_FOR + timedelta(days=1)


def test_an_account_goes_with_its_last_invitation_and_what_is_on_record_stays(database: Database) -> None:
    place, elsewhere = make_place(database), make_place(database)
    user_id = invited(database, NEW, viewer(place), lead_of(place)).user_id
    invited(database, NEW, viewer(elsewhere), lead_of(elsewhere), NOW + timedelta(days=5))
    aged(database)
    assert swept(database, LATER) == [NEW]
    assert swept(database, LATER + timedelta(days=5)) == []
    (forgotten,) = acts(database, "user.forgotten")
    assert forgotten.target_id == str(user_id)
    assert NEW not in str(forgotten.before)
    assert len(acts(database, "membership.expired")) == 2
    with database.platform_scope() as session:
        assert session.scalars(text("SELECT count(*) FROM account_tokens")).all() == [0]


def test_whoever_came_in_or_still_can_is_kept(database: Database) -> None:
    make_user(database, "came@example.com")
    with database.platform_scope() as session:
        for name in ("linked", "asked", "disabled", "proved", "unused"):
            create_user(session, f"{name}@example.com", "", None, OPERATOR, NOW)
        ids = {email.partition("@")[0]: user_id for user_id, email in session.execute(select(User.id, User.email))}
        session.add(OidcIdentity(issuer="https://id.example", subject="1", user_id=ids["linked"]))
        issue_token(session, ids["asked"], "invite", "asked@example.com", LATER)
        disable_user(session, BOOK, ids["disabled"], "A mistake.", OPERATOR, NOW)
        session.execute(update(User).where(User.id == ids["proved"]).values(email_verified_at=NOW))
    aged(database)
    kept = ("asked", "came", "disabled", "linked", "proved")
    assert swept(database, LATER) == [f"{name}@example.com" for name in kept]


def test_an_account_that_was_just_made_is_kept_until_its_invitation_would_have_run_out(database: Database) -> None:
    with database.platform_scope() as session:
        create_user(session, NEW, "", None, OPERATOR, NOW)
    aged(database)
    assert swept(database, NOW + OPEN_FOR - timedelta(minutes=1)) == [NEW]
    assert swept(database, NOW + OPEN_FOR) == []


def test_so_many_are_forgotten_at_once_and_the_rest_with_the_next_sweep(database: Database) -> None:
    with database.platform_scope() as session:
        session.execute(
            text(
                "INSERT INTO users (id, email, created_at)"
                " SELECT gen_random_uuid(), n || '@example.com', :at FROM generate_series(1, :count) n"
            ),
            {"at": NOW, "count": AT_ONCE + 2},
        )
    with database.platform_scope() as session:
        assert [forget_unanswered(session, LATER) for _ in range(3)] == [AT_ONCE, 2, 0]


def test_who_is_invited_while_their_account_is_being_forgotten_is_invited_all_the_same(database: Database) -> None:
    place = make_place(database)
    with database.platform_scope() as session:
        create_user(session, NEW, "", None, OPERATOR, NOW)
    aged(database)

    def again() -> UUID:
        with database.platform_scope() as session:
            return invite(session, BOOK, Invitation(NEW, viewer(place)), lead_of(place), LATER).user_id

    with ThreadPoolExecutor(1) as pool:
        with database.platform_scope() as session:
            assert forget_unanswered(session, LATER) == 1
            waiting = pool.submit(again)
            eventually(lambda: blocked(database))
        user_id = waiting.result(10)
    with database.platform_scope() as session:
        assert session.scalars(select(Membership.user_id)).all() == [user_id]
        assert session.scalars(select(User.id)).all() == [user_id]


def aged(database: Database) -> None:
    """Let all accounts be from NOW, as the tests' clock has it."""
    with database.platform_scope() as session:
        session.execute(update(User).values(created_at=NOW))


def swept(database: Database, now: datetime) -> Sequence[str]:
    """Have the sweep done, and return whose accounts are left."""
    with database.platform_scope() as session:
        enqueue(session, SweepSessions(), org_id=PLATFORM_ORG_ID)
    with database.platform_scope() as session:
        connection, worker_id = raw_connection(session), new_id()
        register(connection, WorkerInfo(worker_id, "test", 1, ["default"], 1, "0"))
        ids = session.scalars(text("SELECT id FROM jobs WHERE kind = 'access.sweep' AND state = 'available'")).all()
        (claimed,) = claim(connection, worker_id, ids)
    sweep_sessions(SweepSessions(), Run(claimed, database), clock=ManualClock(now))
    with database.platform_scope() as session:
        return session.scalars(select(User.email).order_by(User.email)).all()


def blocked(database: Database) -> bool:
    with database.platform_scope() as session:
        waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
        return bool(session.scalar(text(waiting)))
