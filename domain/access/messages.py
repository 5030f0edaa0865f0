"""The jobs of this capability."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from domain.queue.message import Message, job

LetterKind = Literal[
    "invite",
    "access_given",
    "role_offered",
    "verify_email",
    "address_changed",
    "reset_password",
    "password_changed",
    "second_factor_removed",
    "recovery_codes_renewed",
]


@job(kind="access.letter", max_attempts=12, priority=50, time_limit=timedelta(seconds=60))
@dataclass(frozen=True, slots=True)
class SendAccountLetter(Message):
    """Write to a person about their account.

    The address and the token of the link are sealed: whoever reads the queue can open nothing with it. `place` and
    `role`: the organization or client that it is about, and as what, in words, if any.
    """

    letter: LetterKind
    user_id: UUID
    sealed_address: str
    sealed_token: str | None = None
    place: str = ""
    role: str = ""


@job(kind="access.invitation", max_attempts=5, priority=50, time_limit=timedelta(seconds=60))
@dataclass(frozen=True, slots=True)
class SendInvitation(Message):
    """Somebody was given a role or invited to it.

    Whether they have an account, and which letter to write, is found out here alone: whoever invites can't tell it from
    the answer or its time.
    """

    membership_id: UUID
    place: str
    role: str


@job(kind="access.reset_asked", max_attempts=5, priority=50, time_limit=timedelta(seconds=60))
@dataclass(frozen=True, slots=True)
class AnswerResetRequest(Message):
    """Somebody asked for a link to set a new password. Whether there is such an account is found out here alone.

    So the answer, and the time that it takes, are the same for each address.
    """

    sealed_address: str
    ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


@job(kind="access.letter_wanted", max_attempts=5, priority=50, time_limit=timedelta(seconds=60))
@dataclass(frozen=True, slots=True)
class SendWantedLetter(Message):
    """Somebody who manages a person wants them to have a link for a new password, or for the first one.

    Whether the account is disabled is found out here alone. `place`: what they are invited to, in words, if anything.
    """

    user_id: UUID
    place: str = ""


@job(kind="access.sweep", max_attempts=5, priority=50, time_limit=timedelta(seconds=60))
@dataclass(frozen=True, slots=True)
class SweepSessions(Message):
    """Forget sessions, invitations and unused accounts whose time is over, and write down which views ran out."""
