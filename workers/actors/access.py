"""Actors of accounts."""

from __future__ import annotations

from domain.access.invitations import answer_invitation
from domain.access.letters_wanted import answer_wanted
from domain.access.messages import (
    AnswerResetRequest,
    SendAccountLetter,
    SendInvitation,
    SendWantedLetter,
    SweepSessions,
)
from domain.access.password_changes import answer_reset_request
from domain.access.send_letter import send_account_letter
from domain.access.sweep import sweep_sessions
from domain.queue.outcome import Outcome
from domain.queue.run import Run
from workers.registry import actor
from workers.services import Services


@actor(SendAccountLetter)
def letter(message: SendAccountLetter, run: Run, services: Services) -> Outcome:
    """Write to a person about their account."""
    return send_account_letter(message, run, services.accounts)


@actor(SendInvitation)
def invitation(message: SendInvitation, run: Run, services: Services) -> Outcome:
    """Write to who was given a role or invited to it."""
    return answer_invitation(message, run, services.accounts)


@actor(AnswerResetRequest)
def reset(message: AnswerResetRequest, run: Run, services: Services) -> Outcome:
    """Answer a request for a link to set a new password."""
    return answer_reset_request(message, run, services.accounts)


@actor(SendWantedLetter)
def wanted(message: SendWantedLetter, run: Run, services: Services) -> Outcome:
    """Write to a person for whom somebody else wants a letter."""
    return answer_wanted(message, run, services.accounts)


@actor(SweepSessions)
def sweep(message: SweepSessions, run: Run, services: Services) -> Outcome:
    """Forget sessions, invitations and unused accounts whose time is over."""
    return sweep_sessions(message, run, clock=services.clock)
