"""What Twilio's Messages API takes and gives, as far as its double knows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Reject:
    """Refuse with an error of Twilio's. `code` None answers without a JSON body, as a proxy would."""

    code: int | None
    status: int
    message: str = "refused"
    retry_after: str | None = None


@dataclass(frozen=True)
class Hang:
    """Take the request and never answer; the message is not sent."""


@dataclass(frozen=True)
class AcceptThenHang:
    """Send the message and never answer."""


@dataclass(frozen=True)
class AcceptThenDrop:
    """Send the message and close the connection."""


@dataclass(frozen=True)
class AcceptThenFail:
    """Send the message and answer 500."""


@dataclass(frozen=True)
class AcceptThenGarble:
    """Send the message and answer with something that is not JSON."""


Behaviour = Reject | Hang | AcceptThenHang | AcceptThenDrop | AcceptThenFail | AcceptThenGarble


@dataclass(frozen=True)
class Request:
    """What arrived: form fields of a POST, query parameters of a GET."""

    method: str
    path: str
    fields: Mapping[str, str]
    authorized: bool


@dataclass
class Sent:
    """A message that the double took. `sent_at` is None while it waits in the sender's queue."""

    sid: str
    fields: Mapping[str, str]
    created_at: datetime
    sent_at: datetime | None
    status: str = "queued"
    error_code: int | None = None

    @property
    def to(self) -> str:
        """The recipient."""
        return self.fields["To"]

    @property
    def body(self) -> str:
        """The text."""
        return self.fields["Body"]

    def resource(self, account_sid: str) -> dict[str, object]:
        """Return the message as the API shows it."""
        return {
            "sid": self.sid,
            "account_sid": account_sid,
            "to": self.to,
            "from": self.fields.get("From"),
            "messaging_service_sid": self.fields.get("MessagingServiceSid"),
            "body": self.body,
            "status": self.status,
            "error_code": self.error_code,
            "direction": "inbound" if self.status == "received" else "outbound-api",
            "date_created": format_datetime(self.created_at),
            "date_sent": None if self.sent_at is None else format_datetime(self.sent_at),
            "num_segments": "1",
            "num_media": self.fields.get("NumMedia", "0"),
            "api_version": "2010-04-01",
        }


def invalid(fields: Mapping[str, str]) -> Reject | None:
    """Return the error of a message that can't be created, None when it can."""
    to, body, callback = fields.get("To", ""), fields.get("Body", ""), fields.get("StatusCallback")
    checks = (
        (not to, 21604, "A 'To' phone number is required."),
        (not re.fullmatch(r"\+[1-9]\d{6,14}", to), 21211, f"Invalid 'To' Phone Number: {to}"),
        (not {"From", "MessagingServiceSid"} & fields.keys(), 21603, "A 'From' phone number is required."),
        (not body, 21602, "Message body is required."),
        (len(body) > 1600, 21617, "The concatenated message body exceeds the 1600 character limit"),
        (callback is not None and not urlsplit(callback).netloc, 21609, "The StatusCallback URL is not a valid URL."),
    )
    return next((Reject(code, 400, message) for wrong, code, message in checks if wrong), None)


def matches(sent: Sent, query: Mapping[str, str]) -> bool:
    """Return whether a list with these filters shows the message."""
    after = query.get("DateSent>")
    return (
        query.get("To", sent.to) == sent.to
        and query.get("From", sent.fields.get("From")) == sent.fields.get("From")
        and (after is None or (sent.sent_at is not None and sent.sent_at >= datetime.fromisoformat(after)))
    )
