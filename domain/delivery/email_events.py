"""What Amazon SES reports of an e-mail, read from the JSON of an event, and taken like any receipt.

SES has two shapes: events that a configuration set publishes (`eventType`, with the tags of the message), and
notifications of an identity (`notificationType`, without). Reports may come twice and in any order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from domain.delivery.email_policy import code_of, status_of
from domain.delivery.errors import UnreadableReportError
from domain.delivery.ports import ATTEMPT_TAG
from domain.delivery.receipts import Receipt, Taking, take_receipt
from domain.kernel.database import Database

_ID: Final = re.compile(r"[A-Za-z0-9._@-]{1,255}")
_WORD: Final = re.compile(r"[A-Za-z ]{0,40}")


def take_email_report(database: Database, text: str) -> Taking | None:
    """Record the report in an event's text, once, with its consequences; None when it tells nothing about delivery.

    Raises UnreadableReportError.
    """
    receipt = read_report(text)
    return None if receipt is None else take_receipt(database, receipt)


def read_report(text: str) -> Receipt | None:
    """Return the receipt in an event's text; None for one that tells nothing about delivery.

    Raises UnreadableReportError when it is no event of SES.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableReportError from None
    event = _text(document, "eventType") or _text(document, "notificationType")
    mail = _part(document, "mail")
    message_id = _text(mail, "messageId")
    if not event or not _ID.fullmatch(message_id):
        raise UnreadableReportError
    kind, sub_kind = _kinds(document, event)
    status = status_of(event, kind, sub_kind)
    return None if status is None else Receipt(message_id, status, code_of(event, kind, sub_kind), _attempt(mail))


def _kinds(document: object, event: str) -> tuple[str, str]:
    if event == "Bounce":
        bounce = _part(document, "bounce")
        return _word(bounce, "bounceType"), _word(bounce, "bounceSubType")
    if event == "Complaint":
        return "", _word(_part(document, "complaint"), "complaintSubType")
    return "", ""


def _attempt(mail: Mapping[str, object]) -> UUID | None:
    """Return the attempt that the message's tags name; a tag has a list of values."""
    values = _part(mail, "tags").get(ATTEMPT_TAG)
    value = values[0] if isinstance(values, list) and values else None
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _part(document: object, name: str) -> Mapping[str, object]:
    part = document.get(name) if isinstance(document, dict) else None
    return part if isinstance(part, dict) else {}


def _text(document: object, name: str) -> str:
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, str) else ""


def _word(document: object, name: str) -> str:
    value = _text(document, name)
    return value if _WORD.fullmatch(value) else ""
