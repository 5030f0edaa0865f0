"""What Twilio's forms say, checked.

Texts: https://www.twilio.com/docs/messaging/guides/webhook-request, reports of what became of ours:
https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from domain.delivery.receipts import Receipt
from domain.kernel.errors import InvalidInputError

BODY_LIMIT: Final = 1_600
ADDRESS_LIMIT: Final = 64
MEDIA_LIMIT: Final = 10
_SID: Final = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}")
_REPORTED_SID: Final = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
_STATUS: Final = re.compile(r"[a-z_]{1,32}")
_CODE: Final = re.compile(r"[0-9]{1,6}")


class MalformedFormError(InvalidInputError):
    """A form lacks what it has to say, or says it unusably."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text for one of our clients. `media`: JSON of what is attached; the files stay with Twilio."""

    sid: str
    sender: str = field(repr=False)
    to: str = field(repr=False)
    messaging_service_sid: str | None
    body: str = field(repr=False)
    media: str
    opt_out_type: str | None


def text_of(form: Mapping[str, str]) -> Text:
    """Return the text in a form. Raises MalformedFormError."""
    sid = form.get("MessageSid") or form.get("SmsMessageSid", "")
    sender, to = form.get("From", "").strip(), form.get("To", "").strip()
    wrong = [
        name
        for name, right in (
            ("MessageSid", _SID.fullmatch(sid)),
            ("From", 0 < len(sender) <= ADDRESS_LIMIT and sender.isprintable()),
            ("To", 0 < len(to) <= ADDRESS_LIMIT),
        )
        if not right
    ]
    if wrong:
        raise MalformedFormError(f"Missing or unusable: {', '.join(wrong)}.")
    body = form.get("Body", "").replace("\x00", "")[:BODY_LIMIT]
    return Text(sid, sender, to, form.get("MessagingServiceSid"), body, _media(form), form.get("OptOutType"))


def receipt_of(form: Mapping[str, str], attempt: str | None) -> Receipt:
    """Return the report in a form; `attempt`: the callback's query parameter. Raises MalformedFormError."""
    sid, reported, code = (form.get(name, "") for name in ("MessageSid", "MessageStatus", "ErrorCode"))
    if not _REPORTED_SID.fullmatch(sid) or not _STATUS.fullmatch(reported):
        raise MalformedFormError("A status callback needs MessageSid and MessageStatus.")
    try:
        attempt_id = None if attempt is None else UUID(attempt)
    except ValueError:
        raise MalformedFormError("The attempt is not an id.") from None
    return Receipt(sid, reported, code if _CODE.fullmatch(code) else None, attempt_id)


def _media(form: Mapping[str, str]) -> str:
    stated = form.get("NumMedia", "0")
    count = min(int(stated), MEDIA_LIMIT) if stated.isdecimal() and len(stated) < len("1000") else 0
    media = [
        {"url": form.get(f"MediaUrl{i}", "")[:2048], "content_type": form.get(f"MediaContentType{i}", "")[:128]}
        for i in range(count)
    ]
    return json.dumps(media).replace("\\u0000", "")
