"""Letters about accounts: what they say, and that each is sent as long as it is of use."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, get_args

import pytest
from sqlalchemy import select, text

from domain.access.letters import post, write
from domain.access.means import AccountMeans
from domain.access.messages import AnswerResetRequest, LetterKind, SendAccountLetter
from domain.access.models import AccountToken
from domain.access.password_changes import BETWEEN_LETTERS, answer_reset_request, request_reset
from domain.access.ports import Letter, Posted
from domain.access.send_letter import send_account_letter
from domain.access.tokens import issue_token
from domain.access.users import create_user, disable_user
from domain.delivery.errors import OutcomeUnknownError, ProviderRejectedError
from domain.delivery.ports import Accepted, OutgoingEmail
from domain.kernel.clock import ManualClock
from domain.kernel.database import raw_connection
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from domain.queue.claim import Claimed, claim
from domain.queue.message import decode
from domain.queue.outcome import Cancel, Dead, Done, Retry
from domain.queue.presence import WorkerInfo, register
from domain.queue.run import Run
from providers.account_post import EmailPost
from providers.sandbox.email import SandboxEmail
from providers.sandbox.models import SandboxMail
from providers.sealing import FernetSealer
from tests.support.people import BOOK, NOW, OPERATOR, SEALER, VISITOR, acts, make_user

if TYPE_CHECKING:
    from uuid import UUID

    from domain.kernel.database import Database
    from domain.queue.outcome import Outcome

EMAIL = "ada@example.com"
URL = "https://gatehouse.test"


class Postbox:
    """A `Post` that says what it is told to, and keeps what it was given."""

    def __init__(self, posted: Posted | None = None) -> None:
        self._posted = posted or Posted("taken")
        self.letters: list[Letter] = []

    def send(self, letter: Letter) -> Posted:
        self.letters.append(letter)
        return self._posted


class Provider:
    """An `EmailProvider` that fails in one way."""

    name = account = "provider"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def send(self, email: OutgoingEmail) -> Accepted:
        assert email.client_id is None
        raise self._error


@pytest.mark.parametrize("kind", get_args(LetterKind))
def test_each_letter_says_the_same_in_text_and_in_html_and_leads_to_us(kind: LetterKind) -> None:
    letter = write(kind, to=EMAIL, token="t0k3n", place="Acme <b>&\r\nBcc: x@example.com", public_url=URL)
    assert "\n" not in letter.subject
    assert "<b>" not in letter.html_body
    link = next(word for word in letter.body.split() if word.startswith(URL))
    assert f'href="{link}"' in letter.html_body
    assert ("t0k3n" in link) == ("t0k3n" in letter.html_body)
    assert "unsubscribe" not in letter.body.lower()


@pytest.mark.integration
def test_a_letter_goes_to_its_address_with_its_link(database: Database) -> None:
    user_id, postbox = make_user(database), Postbox()
    token = posted(database, user_id, "reset_password")
    assert isinstance(send(database, postbox), Done)
    (letter,) = postbox.letters
    assert letter.to == EMAIL
    assert f"{URL}/account/reset/{token}" in letter.body
    assert EMAIL not in repr(letter)


@pytest.mark.integration
def test_a_letter_whose_link_is_of_no_use_any_more_is_not_sent(database: Database) -> None:
    user_id, postbox = make_user(database), Postbox()
    posted(database, user_id, "reset_password")
    posted(database, user_id, "reset_password")
    assert isinstance(send(database, postbox, 0), Cancel)
    assert isinstance(send(database, postbox, 1, late=timedelta(hours=1)), Cancel)
    assert isinstance(send(database, postbox, 1), Done)
    with database.platform_scope() as session:
        disable_user(session, BOOK, user_id, "left", OPERATOR, NOW)
        post(session, SEALER, "password_changed", user_id, EMAIL)
    assert isinstance(send(database, postbox, 2), Cancel)
    assert len(postbox.letters) == 1


@pytest.mark.integration
def test_a_letter_sealed_with_a_lost_key_waits_for_a_person(database: Database) -> None:
    posted(database, make_user(database), "reset_password")
    other = FernetSealer("another secret key that is long enough too")
    assert isinstance(send(database, Postbox(), sealer=other), Dead)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (OutcomeUnknownError("lost"), Retry),
        (ProviderRejectedError("no connection"), Retry),
        (ProviderRejectedError("slow down", http_status=429, retry_after=timedelta(minutes=1)), Retry),
        (ProviderRejectedError("no credentials", http_status=403), Retry),
        (ProviderRejectedError("MessageRejected: ada@example.com", http_status=400), Dead),
    ],
)
def test_what_may_pass_is_tried_again_and_what_will_not_waits_for_a_person(
    database: Database, error: Exception, outcome: type[Outcome]
) -> None:
    posted(database, make_user(database), "reset_password")
    came_to = send(database, EmailPost(Provider(error)))
    assert isinstance(came_to, outcome)
    assert EMAIL not in repr(came_to)


@pytest.mark.integration
def test_the_sandbox_keeps_a_letter_of_no_client(database: Database) -> None:
    posted(database, make_user(database), "reset_password")
    assert isinstance(send(database, EmailPost(SandboxEmail(database))), Done)
    with database.platform_scope() as session:
        kept = session.scalars(select(SandboxMail)).one()
    assert (kept.org_id, kept.client_id, kept.to_address) == (PLATFORM_ORG_ID, None, EMAIL)
    assert "Gatehouse" in kept.from_address


@pytest.mark.integration
def test_only_who_can_sign_in_gets_a_link_and_one_at_a_time(database: Database) -> None:
    make_user(database)
    gone = make_user(database, "gone@example.com")
    with database.platform_scope() as session:
        disable_user(session, BOOK, gone, "left", OPERATOR, NOW)
        create_user(session, "new@example.com", "", None, OPERATOR, NOW)
    for email in ("nobody@example.com", "gone@example.com", "new@example.com", EMAIL, EMAIL):
        ask(database, email)
    ask(database, EMAIL, late=BETWEEN_LETTERS)
    with database.platform_scope() as session:
        kept = session.scalars(text("SELECT args FROM jobs WHERE kind = 'access.letter' ORDER BY id"))
        wanted = [decode(SendAccountLetter, args) for args in kept]
        assert len(session.scalars(select(AccountToken)).all()) == 1
    assert [SEALER.unseal(one.sealed_address) for one in wanted] == [EMAIL, EMAIL]
    assert {str(act.ip) for act in acts(database, "user.reset_sent")} == {"192.0.2.7"}


def posted(database: Database, user_id: UUID, kind: LetterKind) -> str:
    """Enqueue a letter with a link, and return its token."""
    with database.platform_scope() as session:
        token = issue_token(session, user_id, "reset_password", EMAIL, NOW)
        post(session, SEALER, kind, user_id, EMAIL, token=token)
    return token


def send(
    database: Database,
    postbox: Postbox | EmailPost,
    which: int = 0,
    *,
    late: timedelta = timedelta(0),
    sealer: FernetSealer = SEALER,
) -> Outcome:
    """Make a try at one of the letters that were enqueued."""
    with database.platform_scope() as session:
        kept = session.scalars(text("SELECT args FROM jobs WHERE kind = 'access.letter' ORDER BY id")).all()
    means = AccountMeans(postbox, sealer, ManualClock(NOW + late), URL)
    return send_account_letter(decode(SendAccountLetter, kept[which]), run(database), means)


def ask(database: Database, email: str, *, late: timedelta = timedelta(0)) -> None:
    """Ask for a link, and have the request answered by a worker."""
    means = AccountMeans(Postbox(), SEALER, ManualClock(NOW + late), URL)
    with database.platform_scope() as session:
        request_reset(session, email, VISITOR, sealer=SEALER)
    with database.platform_scope() as session:
        connection, worker_id = raw_connection(session), new_id()
        register(connection, WorkerInfo(worker_id, "test", 1, ["default"], 1, "0"))
        ids = session.scalars(text("SELECT id FROM jobs WHERE kind = 'access.reset_asked' AND state = 'available'"))
        (claimed,) = claim(connection, worker_id, ids.all())
    answer_reset_request(decode(AnswerResetRequest, claimed.args), Run(claimed, database), means)


def run(database: Database) -> Run:
    return Run(Claimed(new_id(), PLATFORM_ORG_ID, "access.letter", "default", {}, 1, 5, 0, None, NOW, 0.0), database)
