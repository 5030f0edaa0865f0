"""E-mail through SES API v2, SendEmail: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from domain.delivery.errors import OutcomeUnknownError, ProviderRejectedError
from domain.delivery.ports import ATTEMPT_TAG, Accepted, OutgoingEmail
from providers.mailbox import sender
from providers.ses.client import ses_client
from providers.ses.faults import as_ours
from providers.ses.pace import Pace

if TYPE_CHECKING:
    from types_boto3_sesv2.type_defs import SendEmailRequestTypeDef

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 10.0
LONGEST_PAUSE: Final = timedelta(seconds=2)
"""A worker's thread waits this long for its turn; what would wait longer goes back to the queue."""


class SesEmail:
    """Implements `domain.delivery.ports.EmailProvider`. Thread-safe; one an account and region.

    Region, credentials and endpoint are AWS's own variables. Raises botocore's NoRegionError when there is no region.
    """

    name = "ses"

    def __init__(
        self,
        from_address: str,
        configuration_set: str | None,
        *,
        pool_size: int = 10,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._from_address = from_address
        self._configuration_set = configuration_set
        self._client = ses_client(connect_seconds=connect_seconds, read_seconds=read_seconds, pool_size=pool_size)
        self.account = self._client.meta.region_name
        """The region: what SES limits belongs to the account in a region."""
        self._pace = Pace(self._max_send_rate)

    def send(self, email: OutgoingEmail) -> Accepted:
        """Call SendEmail once, in its turn; see the port for the errors.

        Raises ProviderRejectedError `SendRateReached` when so many wait that the account's rate leaves no turn soon.
        """
        wait = self._pace.wait_for_turn(LONGEST_PAUSE)
        if wait is not None:
            raise ProviderRejectedError(
                "The account's maximum send rate is used up.",
                name="SendRateReached",
                http_status=429,
                retry_after=wait,
            )
        try:
            answer = self._client.send_email(**self._request(email))
        except Exception as error:  # noqa: BLE001  # the client has no single base class; nothing is swallowed
            raise as_ours(error) from None
        if not answer.get("MessageId"):
            raise OutcomeUnknownError("The provider's answer names no message.")
        return Accepted(answer["MessageId"], "accepted")

    def _request(self, email: OutgoingEmail) -> SendEmailRequestTypeDef:
        request: SendEmailRequestTypeDef = {
            "FromEmailAddress": sender(self._from_address, email.sender_name),
            "Destination": {"ToAddresses": [email.to]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": email.subject, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": email.body, "Charset": "UTF-8"}},
                    "Headers": [{"Name": name, "Value": value} for name, value in email.headers.items()],
                }
            },
            "EmailTags": [{"Name": ATTEMPT_TAG, "Value": str(email.attempt_id)}],
        }
        if email.html_body is not None:
            request["Content"]["Simple"]["Body"]["Html"] = {"Data": email.html_body, "Charset": "UTF-8"}
        if self._configuration_set is not None:
            request["ConfigurationSetName"] = self._configuration_set
        return request

    def _max_send_rate(self) -> float | None:
        """Return how many e-mails a second the account may send, None when SES does not say."""
        return self._client.get_account().get("SendQuota", {}).get("MaxSendRate")
