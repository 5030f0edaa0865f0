"""Letters to people about their accounts: what each says, and how it gets into the queue."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from domain.access.messages import LetterKind, SendAccountLetter
from domain.access.ports import Letter
from domain.kernel.ids import PLATFORM_ORG_ID, new_id
from domain.kernel.letters import environments, on_one_line, one_line
from domain.queue.enqueue import enqueue

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from sqlalchemy.orm import Session

    from domain.access.ports import Sealer

_HTML, _TEXT = environments(Path(__file__).parent / "templates")


@dataclass(frozen=True, slots=True)
class _Words:
    """What a letter says. `{place}` is where, `{role}` as what; a path with `{token}` needs the letter's token."""

    headline: str
    paragraphs: tuple[str, ...]
    path: str
    link_words: str


_IF_NOT_YOU: Final = "If you did not do this, set a new password at once and tell an administrator."
_SAYS: Final[Mapping[LetterKind, _Words]] = {
    "invite": _Words(
        "You are invited to {place}",
        (
            "An account was made for you. Choose a password to begin; the link works once, for seven days.",
            "If you expected no invitation, do nothing: without a password nobody can use the account.",
        ),
        "/account/invite/{token}",
        "Accept the invitation",
    ),
    "access_given": _Words(
        "You have access to {place}",
        ("You can sign in with the account that you have.",),
        "/sign-in",
        "Sign in",
    ),
    "role_offered": _Words(
        "You were invited to {place} as {role}",
        (
            "Sign in with the account that you have, and accept or decline on its page within 14 days.",
            "Until you accept, nobody there learns anything about you, not even whether you have an account.",
        ),
        "/account",
        "Open your account",
    ),
    "verify_email": _Words(
        "Is this your address?",
        (
            "Somebody who is signed in to an account asked to use this address for it. The link works once, for a day.",
            "If that was not you, do nothing, and the address will not be used.",
        ),
        "/account/verify/{token}",
        "Use this address",
    ),
    "address_changed": _Words(
        "Your account has another address now",
        ("Letters about your account go to the new address, and you sign in with it.", _IF_NOT_YOU),
        "/account/reset",
        "Set a new password",
    ),
    "reset_password": _Words(
        "Set a new password",
        (
            "Somebody asked for a link to set a new password for your account. It works once, for an hour.",
            "If that was not you, do nothing: your password stays as it is.",
        ),
        "/account/reset/{token}",
        "Set a new password",
    ),
    "password_changed": _Words(
        "Your password was changed",
        ("Everywhere else you were signed in, you are signed out now.", _IF_NOT_YOU),
        "/account/reset",
        "Set a new password",
    ),
    "second_factor_removed": _Words(
        "Your account needs no code any more",
        ("The second factor was removed: a password alone is enough to sign in now.", _IF_NOT_YOU),
        "/account",
        "Open your account",
    ),
    "recovery_codes_renewed": _Words(
        "Your account has new recovery codes",
        (
            "Each of them lets somebody in once, with the password and without the phone. Those before work no more.",
            "If you did not make them, make new ones and set a new password at once, and tell an administrator.",
        ),
        "/account",
        "Open your account",
    ),
}


def post(
    session: Session,
    sealer: Sealer,
    letter: LetterKind,
    user_id: UUID,
    address: str,
    *,
    token: str | None = None,
    place: str = "",
    role: str = "",
) -> None:
    """Have a letter sent once the transaction commits."""
    sealed = None if token is None else sealer.seal(token)
    message = SendAccountLetter(letter, user_id, sealer.seal(address), sealed, place, role)
    enqueue(session, message, org_id=PLATFORM_ORG_ID)


def write(kind: LetterKind, *, to: str, token: str | None, place: str, public_url: str, role: str = "") -> Letter:
    """Put a letter into words."""
    says = _SAYS[kind]
    where, what = on_one_line(place) or "Gatehouse", on_one_line(role) or "member"
    headline = on_one_line(says.headline.format(place=where, role=what))
    values = {
        "headline": headline,
        "paragraphs": says.paragraphs,
        "link": public_url + says.path.format(token=token or ""),
        "link_words": says.link_words,
        "unsubscribe_url": None,
    }
    return Letter(
        new_id(),
        to,
        one_line(headline),
        _TEXT.get_template("account_letter.txt").render(values).strip() + "\n",
        _HTML.get_template("account_letter.html").render(values),
    )
