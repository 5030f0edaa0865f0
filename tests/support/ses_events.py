"""Events as Amazon SES documents them, with addresses and ids of the tests.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html and
https://docs.aws.amazon.com/ses/latest/dg/notification-examples.html.
"""

from __future__ import annotations

import json
from typing import Any, Final
from uuid import UUID

RECIPIENT: Final = "owner@harbor-plumbing.example"
_SOURCE: Final = "Harbor Plumbing via Gatehouse <alerts@gatehouse.test>"
_AT: Final = "2026-11-21T17:05:02.669Z"

PARTS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "Send": ("send", {}),
    "Delivery": (
        "delivery",
        {
            "timestamp": _AT,
            "processingTimeMillis": 11893,
            "recipients": [RECIPIENT],
            "smtpResponse": "250 2.6.0 Message received",
            "reportingMTA": "mta.example.com",
        },
    ),
    "Reject": ("reject", {"reason": "Bad content"}),
    "Rendering Failure": ("failure", {"errorMessage": "Attribute is not present.", "templateName": "MyTemplate"}),
    "DeliveryDelay": (
        "deliveryDelay",
        {
            "timestamp": _AT,
            "delayType": "TransientCommunicationFailure",
            "expirationTime": "2026-11-22T17:05:02.669Z",
            "delayedRecipients": [{"emailAddress": RECIPIENT, "status": "4.4.1", "diagnosticCode": "smtp; 421 4.4.1"}],
        },
    ),
    "Open": ("open", {"ipAddress": "192.0.2.1", "timestamp": _AT, "userAgent": "Mozilla/5.0"}),
    "Click": ("click", {"ipAddress": "192.0.2.1", "link": "https://example.com", "timestamp": _AT}),
}


def bounce(kind: str = "Permanent", sub_kind: str = "General") -> dict[str, Any]:
    """Return the part `bounce` of an event."""
    recipient = {
        "emailAddress": RECIPIENT,
        "action": "failed",
        "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
    }
    return {
        "bounceType": kind,
        "bounceSubType": sub_kind,
        "bouncedRecipients": [recipient],
        "timestamp": _AT,
        "feedbackId": "01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000",
        "reportingMTA": "dsn; mta.example.com",
    }


def complaint(sub_kind: str | None = None) -> dict[str, Any]:
    """Return the part `complaint` of an event."""
    return {
        "complainedRecipients": [{"emailAddress": RECIPIENT}],
        "timestamp": _AT,
        "feedbackId": "01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000",
        "complaintSubType": sub_kind,
        "userAgent": "Amazon SES Mailbox Simulator",
        "complaintFeedbackType": "abuse",
        "arrivalDate": _AT,
    }


def event(kind: str, message_id: str, attempt: UUID | None = None, part: dict[str, Any] | None = None) -> str:
    """Return an event that a configuration set publishes; with an attempt, its tags name it."""
    tags: dict[str, list[str]] = {"ses:configuration-set": ["gatehouse"], "ses:source-ip": ["192.0.2.0"]}
    if attempt is not None:
        tags["gatehouse-attempt"] = [str(attempt)]
    name, usual = PARTS.get(kind, (kind.lower(), {}))
    return json.dumps({"eventType": kind, "mail": _mail(message_id) | {"tags": tags}, name: part or usual})


def notification(kind: str, message_id: str, part: dict[str, Any] | None = None) -> str:
    """Return a notification of an identity, which has no tags."""
    name, usual = PARTS.get(kind, (kind.lower(), {}))
    mail = _mail(message_id) | {"sourceIp": "192.0.2.3", "callerIdentity": "gatehouse"}
    return json.dumps({"notificationType": kind, "mail": mail, name: part or usual})


def _mail(message_id: str) -> dict[str, Any]:
    return {
        "timestamp": "2026-11-21T17:05:00.000Z",
        "source": _SOURCE,
        "sourceArn": "arn:aws:ses:eu-west-1:123456789012:identity/gatehouse.test",
        "sendingAccountId": "123456789012",
        "messageId": message_id,
        "destination": [RECIPIENT],
        "headersTruncated": False,
        "headers": [{"name": "From", "value": _SOURCE}, {"name": "To", "value": RECIPIENT}],
        "commonHeaders": {"from": [_SOURCE], "to": [RECIPIENT], "messageId": message_id, "subject": "A new lead"},
    }
