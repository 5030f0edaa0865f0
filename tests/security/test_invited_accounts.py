"""Whoever invites an address learns nothing of the account behind it: whether there is one, whose, or in which state.

An organization of nobody's acquaintance invites addresses of the same length, each in another state, and what it is
told afterwards, everywhere that it may look, is compared byte for byte but for ids, times and the addresses themselves.
"""

from __future__ import annotations

import json
import re
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from api.app import create_app
from domain.access.invitations import Invitation, invite
from domain.access.principal import Grant
from domain.access.users import disable_user
from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from tests.support.app_client import AppClient
from tests.support.hand_worker import HandWorker
from tests.support.invitations import invited, lead_of, viewer
from tests.support.people import BOOK, NOW, OPERATOR, PASSWORD, make_place, make_user
from tests.support.signing_in import csrf_of, sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from config.settings import Settings
    from tests.support.people import Place

pytestmark = pytest.mark.integration
NOBODY: Final = "none@example.com"
MEMBER: Final = "some@example.com"
GONE: Final = "gone@example.com"
ASKED: Final = "askd@example.com"
IN_USE: Final = "used@example.com"
EVERY_STATE: Final = (NOBODY, MEMBER, GONE, ASKED, IN_USE)
LEAD: Final = "lead@acme.example"


THEIR_LEAD: Final = "lead@others.example"


@dataclass(frozen=True, slots=True)
class Town:
    """An application, an organization whose lead has signed in, and one of which that lead knows nothing."""

    client: AppClient
    database: Database
    place: Place
    elsewhere: Place

    def invite(self, email: str) -> httpx.Response:
        """Invite somebody as its page does."""
        return invite_to(self.client, self.place, email)


def invite_to(client: AppClient, place: Place, email: str) -> httpx.Response:
    wanted = {"email": email, "role": "workspace_viewer", "client_id": str(place.client_id)}
    return client.post("/api/v1/users", json=wanted, headers={"X-CSRF-Token": csrf_of(client, "/account")})


@pytest.fixture
def town(settings: Settings) -> Iterator[Town]:
    with (
        closing(Database(settings.postgres_url("app"), settings.postgres_url("platform"))) as database,
        AppClient(create_app(settings)) as client,
    ):
        place, elsewhere = make_place(database), make_place(database)
        make_user(database, LEAD, Grant("implementation_lead", place.org_id), name="Lead")
        make_user(database, THEIR_LEAD, Grant("implementation_lead", elsewhere.org_id), name="Their lead")
        assert sign_in(client, LEAD, PASSWORD).status_code == 303
        theirs = viewer(elsewhere)
        make_user(database, MEMBER, theirs, name="Somebody")
        make_user(database, IN_USE, theirs, Grant("workspace_admin", elsewhere.org_id), name="Another")
        gone = make_user(database, GONE, theirs, name="Gone")
        with database.platform_scope() as session:
            disable_user(session, BOOK, gone, "Left.", OPERATOR, NOW)
            session.execute(
                text("UPDATE users SET last_sign_in_at = now(), totp_confirmed_at = now() WHERE email = :email"),
                {"email": IN_USE},
            )
        invited(database, ASKED, theirs, lead_of(elsewhere), SystemClock().now() - timedelta(days=1))
        yield Town(client, database, place, elsewhere)


def test_the_answer_is_the_same_for_every_account_and_for_none(town: Town, settings: Settings) -> None:
    with AppClient(create_app(settings)) as others:
        assert sign_in(others, THEIR_LEAD, PASSWORD).status_code == 303
        for email in (ASKED, IN_USE, IN_USE):
            assert invite_to(others, town.elsewhere, email).status_code == 201
    answers = {email: town.invite(email) for email in EVERY_STATE}
    assert {answer.status_code for answer in answers.values()} == {201}
    told = {plain(answer.text, email) for email, answer in answers.items()}
    assert len(told) == 1, told
    headers = {plain(repr(told_by(answer)), email) for email, answer in answers.items()}
    assert len(headers) == 1, headers
    again = {plain(town.invite(email).text, email) for email in EVERY_STATE}
    assert again == told


def test_what_can_be_looked_at_afterwards_is_the_same(town: Town, settings: Settings) -> None:
    people, known = town.client.get("/api/v1/users").text, {one["id"] for one in entries(town)}
    ids = {email: town.invite(email).json()["id"] for email in EVERY_STATE}
    with HandWorker(settings) as worker:
        assert worker.work()
    with AppClient(create_app(settings)) as elsewhere:
        for email in EVERY_STATE:
            sign_in(elsewhere, email, "a wrong password")
        assert sign_in(elsewhere, MEMBER, PASSWORD).status_code == 303

    listed = town.client.get("/api/v1/invitations").json()["items"]
    assert len({plain(json.dumps(one), one["email"]) for one in listed}) == 1
    assert [one["id"] for one in listed] == list(ids.values())
    assert town.client.get("/api/v1/users").text == people
    for search in ("Somebody", "Another", "Gone", *EVERY_STATE):
        assert town.client.get("/api/v1/users", params={"search": search}).json()["items"] == []
    new = [one for one in entries(town) if one["id"] not in known]
    assert [one["target_id"] for one in reversed(new)] == list(ids.values())
    told = {plain(json.dumps(one, ensure_ascii=False), "") for one in new}
    assert len(told) == 1, told


def test_the_work_is_the_same_for_every_account_and_for_none(town: Town) -> None:
    done = {email: statements(town, email) for email in EVERY_STATE}
    assert len(done[NOBODY]) > 5
    assert [email for email, said in done.items() if said != done[NOBODY]] == []


def entries(town: Town) -> list[dict[str, Any]]:
    """Return what the organization's log says, the newest first."""
    found: list[dict[str, Any]] = town.client.get("/api/v1/audit", params={"limit": 200}).json()["items"]
    return found


def statements(town: Town, email: str) -> list[str]:
    """Return the statements that inviting somebody runs."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    with town.database.platform_scope() as session:
        engine = session.get_bind()
        assert isinstance(engine, Engine)
        event.listen(engine, "before_cursor_execute", note)
        try:
            invite(session, BOOK, Invitation(email, viewer(town.place)), lead_of(town.place), SystemClock().now())
        finally:
            event.remove(engine, "before_cursor_execute", note)
    return said


def plain(said: str, email: str) -> str:
    """Return what was said without ids, times and the address."""
    said = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "<id>", said)
    said = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)", "<time>", said)
    said = re.sub(r"\[email \w…", "[email …", said)
    said = re.sub(r'"(number|hash|previous_hash|sequence)": *"?\w+"?', r'"\1"', said)
    return said.replace(email, "<address>") if email else said


def told_by(answer: httpx.Response) -> list[tuple[str, str]]:
    """Return an answer's headers, but for what is another one with each request: ids, times, one's own counts."""
    told = dict(answer.headers.items()) | {"x-request-id": "<id>"}
    assert '"letters-to-account";r=' in told["ratelimit"]
    told["ratelimit"] = re.sub(r";t=\d+", "", told["ratelimit"])
    told["ratelimit"] = re.sub(r'("letters-by-sender");r=\d+', r"\1", told["ratelimit"])
    return sorted(told.items())
