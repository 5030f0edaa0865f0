"""Letters about accounts, by whatever sends e-mail. They are the platform's own: no client's gate or list is asked."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from domain.access.ports import Letter, Posted
from domain.delivery.errors import OutcomeUnknownError, ProviderRejectedError
from domain.delivery.ports import OutgoingEmail
from domain.kernel.ids import PLATFORM_ORG_ID

if TYPE_CHECKING:
    from domain.delivery.ports import EmailProvider

_SENDER: Final = "Gatehouse"
_PASSES: Final = frozenset(
    {0, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
)
"""What a later try may get past: no connection, an account that is put right meanwhile, too many calls."""


class EmailPost:
    """Implements `domain.access.ports.Post`."""

    def __init__(self, provider: EmailProvider) -> None:
        self._provider = provider

    def send(self, letter: Letter) -> Posted:
        """Hand a letter over, once."""
        email = OutgoingEmail(
            attempt_id=letter.try_id,
            org_id=PLATFORM_ORG_ID,
            client_id=None,
            to=letter.to,
            subject=letter.subject,
            body=letter.body,
            html_body=letter.html_body,
            sender_name=_SENDER,
        )
        try:
            self._provider.send(email)
        except ProviderRejectedError as error:
            said = error.name or error.code or error.http_status
            passes = error.http_status in _PASSES or error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR
            return Posted(
                "later" if passes else "never", f"The e-mail provider did not take it ({said}).", error.retry_after
            )
        except OutcomeUnknownError:
            return Posted("later", "The e-mail provider's answer was lost; it may have taken the letter.")
        return Posted("taken")
