"""Text messages through Twilio's Messages API: https://www.twilio.com/docs/messaging/api/message-resource."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final, Protocol, cast

from twilio.base import values
from twilio.rest import Client

from domain.delivery.errors import OutcomeUnknownError, ProviderRejectedError
from domain.delivery.ports import Accepted, OutgoingSms, Report
from providers.twilio.transport import TwilioTransport

_PAGE: Final = 100
_LISTED: Final = 200
_LISTED_UNDATED: Final = 50
_CLOCK_SKEW: Final = timedelta(seconds=60)
"""Twilio's clock and ours may differ, and its times have whole seconds."""
_LONGEST_VALIDITY: Final = 36_000
"""Seconds. https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource, ValidityPeriod."""
_TRIAL_PREFIX: Final = "Sent from your Twilio trial account - "


class _Resource(Protocol):
    """The fields of the client's MessageInstance that are read here."""

    sid: str | None
    status: str | None
    error_code: int | None
    body: str | None
    direction: str | None
    messaging_service_sid: str | None
    date_created: datetime | None


class TwilioSms:
    """Implements `domain.delivery.ports.SmsProvider`. Thread-safe; one an account."""

    name = "twilio"

    def __init__(self, account_sid: str, auth_token: str, transport: TwilioTransport) -> None:
        self.account = account_sid
        self._client = Client(account_sid, auth_token, http_client=transport)

    def send(self, sms: OutgoingSms) -> Accepted:
        """Create one Message resource; see the port for the errors."""
        try:
            created = cast(
                "_Resource",
                self._client.messages.create(
                    to=sms.to,
                    body=sms.body,
                    from_=sms.from_number or values.unset,
                    messaging_service_sid=sms.messaging_service_sid or values.unset,
                    status_callback=sms.status_callback or values.unset,
                    validity_period=values.unset if sms.valid_for is None else _seconds(sms.valid_for),
                ),
            )
        except (ValueError, TypeError, AttributeError) as error:
            # The answer said success and can't be read.
            raise OutcomeUnknownError(f"The provider's answer is unreadable ({type(error).__name__}).") from None
        if not created.sid:
            raise OutcomeUnknownError("The provider's answer names no message.")
        return Accepted(created.sid, created.status or "accepted")

    def find(self, sms: OutgoingSms, since: datetime) -> Sequence[Accepted]:
        """Return outbound messages with this sender, recipient and text since then, oldest first.

        Twilio filters by DateSent, which a message that still waits in the sender's queue does not have: when the
        filter finds nothing, the newest messages to the recipient are looked through without it.
        """
        since -= _CLOCK_SKEW
        try:
            found = list(self._matching(sms, since, dated=True)) or list(self._matching(sms, since, dated=False))
        except (ValueError, TypeError, AttributeError) as error:
            raise OutcomeUnknownError(f"The provider's list is unreadable ({type(error).__name__}).") from None
        found.sort(key=_created)
        return [Accepted(each.sid, each.status or "accepted") for each in found if each.sid]

    def fetch(self, provider_id: str) -> Report | None:
        """Return the status of one Message resource; None when there is none (404)."""
        try:
            found = cast("_Resource", self._client.messages(provider_id).fetch())
        except ProviderRejectedError as error:
            if error.http_status == HTTPStatus.NOT_FOUND:
                return None
            raise
        except (ValueError, TypeError, AttributeError) as error:
            raise OutcomeUnknownError(f"The provider's answer is unreadable ({type(error).__name__}).") from None
        if not found.status:
            raise OutcomeUnknownError("The provider's answer names no status.")
        return Report(found.status, None if found.error_code is None else str(found.error_code))

    def _matching(self, sms: OutgoingSms, since: datetime, *, dated: bool) -> Iterator[_Resource]:
        listed = self._client.messages.stream(
            to=sms.to,
            from_=sms.from_number or values.unset,
            date_sent_after=since.astimezone(UTC) if dated else values.unset,
            limit=_LISTED if dated else _LISTED_UNDATED,
            page_size=_PAGE,
        )
        for each in cast("Iterator[_Resource]", listed):
            if _is_ours(each, sms) and _created(each) >= since:
                yield each


def _seconds(valid_for: timedelta) -> int:
    """Return a validity period as Twilio takes it: 1 to 36,000 seconds, the longest also without one."""
    return max(1, min(_LONGEST_VALIDITY, int(valid_for.total_seconds())))


def _created(message: _Resource) -> datetime:
    return message.date_created or datetime.max.replace(tzinfo=UTC)


def _is_ours(message: _Resource, sms: OutgoingSms) -> bool:
    return (
        (message.direction or "").startswith("outbound")
        and (message.body or "").removeprefix(_TRIAL_PREFIX).strip() == sms.body.strip()
        and (sms.from_number is not None or message.messaging_service_sid == sms.messaging_service_sid)
    )
