"""Send a letter about an account: look whether it is still wanted, call with no transaction open, record the end.

A try whose outcome is unknown is made again, unlike with customers' messages: a second letter with the same link does
no harm, and without one somebody can't get in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from domain.access.letters import write
from domain.access.models import TokenPurpose, User
from domain.access.tokens import TokenSpentError, look_up
from domain.kernel.errors import GatehouseError
from domain.queue.outcome import Cancel, Dead, Done, Outcome, Retry

if TYPE_CHECKING:
    from domain.access.means import AccountMeans
    from domain.access.messages import LetterKind, SendAccountLetter
    from domain.access.ports import Letter
    from domain.queue.run import Run

_PURPOSES: Final[Mapping[LetterKind, TokenPurpose]] = {
    "invite": "invite",
    "verify_email": "verify_email",
    "reset_password": "reset_password",
}
"""Letters that carry a token, and what for."""


def send_account_letter(message: SendAccountLetter, run: Run, means: AccountMeans) -> Outcome:
    """Make the next try at a letter. Raises RunLostError when the run was given up meanwhile."""
    written = _written(message, run, means)
    if isinstance(written, (Cancel, Dead)):
        return written
    posted = means.post.send(written)
    if posted.came_to == "taken":
        return Done(f"The {message.letter} letter is on its way.")
    if posted.came_to == "never":
        return Dead(posted.reason, "letter_refused")
    return Retry(posted.reason, posted.retry_after, "letter_not_taken")


def _written(message: SendAccountLetter, run: Run, means: AccountMeans) -> Letter | Cancel | Dead:
    try:
        address = means.sealer.unseal(message.sealed_address)
        token = None if message.sealed_token is None else means.sealer.unseal(message.sealed_token)
    except GatehouseError:
        return Dead(
            "It was sealed with a secret key that is not known any more. Ask for the letter anew.", "unsealable"
        )
    with run.scope() as session:
        user = session.get(User, message.user_id)
        if user is None or user.disabled_at is not None:
            return Cancel("The account is disabled or gone.")
        purpose = _PURPOSES.get(message.letter)
        if purpose is not None:
            try:
                look_up(session, token or "", purpose, means.clock.now())
            except TokenSpentError:
                return Cancel("Its link was used, is too old, or was replaced by a newer one.")
    return write(
        message.letter,
        to=address,
        token=token,
        place=message.place,
        role=message.role,
        public_url=means.public_url,
    )
