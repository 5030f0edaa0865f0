"""Texts to our numbers as Twilio has them: https://www.twilio.com/docs/messaging/api/message-resource#list."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, Protocol, TypeVar, cast

from twilio.rest import Client

from domain.conversations.ports import InboundUnavailableError, ListedText, Listing
from domain.delivery.errors import OutcomeUnknownError, ProviderRejectedError
from providers.twilio.transport import TwilioTransport

PAGE: Final = 1_000
LIMIT: Final = 20_000
"""Texts of one number that are looked through at once."""
MEDIA_LIMIT: Final = 10
T = TypeVar("T")


class _Resource(Protocol):
    """The fields of the client's MessageInstance that are read here."""

    sid: str | None
    from_: str | None
    to: str | None
    body: str | None
    direction: str | None
    num_media: str | None
    date_sent: datetime | None
    date_created: datetime | None


class _Media(Protocol):
    uri: str | None
    content_type: str | None


class TwilioInbound:
    """Implements `domain.conversations.ports.InboundList`. Thread-safe; one an account."""

    def __init__(self, account_sid: str, auth_token: str, transport: TwilioTransport, api_base_url: str) -> None:
        self._client = Client(account_sid, auth_token, http_client=transport)
        self._base = api_base_url.rstrip("/")

    def texts_to(self, number: str, since: datetime) -> Listing:
        """Return the texts to a number since then, oldest first. Raises InboundUnavailableError."""
        listed = _asked(lambda: list(self._listed(number, since)))
        return Listing(sorted(listed, key=lambda text: (text.sent_at, text.sid)), complete=len(listed) < LIMIT)

    def media_of(self, sid: str) -> str:
        """Return what is attached to a text, as JSON like a webhook's. Raises InboundUnavailableError."""
        listed = _asked(lambda: cast("list[_Media]", self._client.messages(sid).media.list(limit=MEDIA_LIMIT)))
        return json.dumps(
            [
                {"url": self._base + (media.uri or "").removesuffix(".json"), "content_type": media.content_type or ""}
                for media in listed
            ]
        )

    def _listed(self, number: str, since: datetime) -> Iterator[ListedText]:
        listed = self._client.messages.stream(
            to=number, date_sent_after=since.astimezone(UTC), limit=LIMIT, page_size=PAGE
        )
        for each in cast("Iterator[_Resource]", listed):
            sent_at = each.date_sent or each.date_created
            # The account may serve others too, and its list says what we sent as well.
            if each.direction != "inbound" or each.to != number or not each.sid or not each.from_:
                continue
            if sent_at is not None and sent_at >= since:
                count = each.num_media or "0"
                media = int(count) if count.isdecimal() else 0
                yield ListedText(each.sid, each.from_, each.body or "", media, sent_at)


def _asked(ask: Callable[[], list[T]]) -> list[T]:
    try:
        return ask()
    except (ProviderRejectedError, OutcomeUnknownError) as error:
        code = getattr(error, "code", None) or getattr(error, "http_status", None) or "no answer"
        raise InboundUnavailableError(f"The provider's list can't be had ({code}).") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise InboundUnavailableError(f"The provider's list is unreadable ({type(error).__name__}).") from None
