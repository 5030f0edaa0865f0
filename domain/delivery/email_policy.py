"""Pure decisions about what Amazon SES reports of an e-mail later: a status, its meaning, and whom not to write to.

Events and bounce types are those of
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html; that a bounce of type Permanent
and a complaint end all e-mail to an address, and the others do not, is AWS's advice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from domain.delivery.policy import ErrorClass, Meaning

EmailStatus = Literal["accepted", "queued", "delivered", "failed", "undelivered", "bounced", "suppressed", "complained"]

# Opens, clicks and subscriptions say nothing about delivery, and are not asked for.
_STATUSES: Final[Mapping[str, EmailStatus]] = {
    "Send": "accepted",
    "DeliveryDelay": "queued",
    "Delivery": "delivered",
    "Reject": "failed",
    "Rendering Failure": "failed",
}
_BOUNCES: Final[Mapping[str, EmailStatus]] = {
    "Permanent": "bounced",
    "Transient": "undelivered",
    "Undetermined": "undelivered",
}
_LISTED: Final = frozenset({"Suppressed", "OnAccountSuppressionList"})

_REPORTS: Final[Mapping[str, Meaning]] = {
    "Permanent.General": Meaning(ErrorClass.RECIPIENT, "The recipient's mail server refused it for good."),
    "Permanent.NoEmail": Meaning(ErrorClass.RECIPIENT, "The recipient's address does not exist."),
    "Permanent.Suppressed": Meaning(
        ErrorClass.RECIPIENT, "The e-mail provider does not send to this address, because it bounced before."
    ),
    "Permanent.OnAccountSuppressionList": Meaning(
        ErrorClass.RECIPIENT, "The e-mail account does not send to this address, because it bounced or complained."
    ),
    # Transient ones are final too: SES tried for hours before, and an out-of-office reply counts as one.
    "Transient.General": Meaning(ErrorClass.NEVER, "The recipient's mail server could not take it."),
    "Transient.MailboxFull": Meaning(ErrorClass.NEVER, "The recipient's mailbox is full."),
    "Transient.MessageTooLarge": Meaning(ErrorClass.NEVER, "It is too large for the recipient's mail server."),
    "Transient.ContentRejected": Meaning(ErrorClass.NEVER, "The recipient's mail server did not like its content."),
    "Transient.AttachmentRejected": Meaning(ErrorClass.NEVER, "The recipient's mail server did not like its parts."),
    "Undetermined.Undetermined": Meaning(
        ErrorClass.NEVER, "The recipient's mail server sent it back without a reason."
    ),
    "Complaint.OnAccountSuppressionList": Meaning(
        ErrorClass.RECIPIENT, "The e-mail account does not send to this address, because its owner complained."
    ),
    "Reject": Meaning(ErrorClass.NEVER, "The e-mail provider refused its content."),
    "Rendering Failure": Meaning(ErrorClass.NEVER, "The e-mail provider could not put it together."),
}
_BY_TYPE: Final[Mapping[str, Meaning]] = {
    "Permanent": _REPORTS["Permanent.General"],
    "Transient": _REPORTS["Transient.General"],
}
_UNSAID: Final = Meaning(ErrorClass.UNCLASSIFIED, "The e-mail was not delivered.")


def status_of(event: str, kind: str, sub_kind: str) -> EmailStatus | None:
    """Return the status that an event brings; None for one that says nothing about delivery.

    `kind` and `sub_kind` are a bounce's type and subtype; of a complaint, `sub_kind` is its subtype.
    """
    if event == "Bounce":
        return "suppressed" if sub_kind in _LISTED else _BOUNCES.get(kind, "undelivered")
    if event == "Complaint":
        return "suppressed" if sub_kind in _LISTED else "complained"
    return _STATUSES.get(event)


def code_of(event: str, kind: str, sub_kind: str) -> str | None:
    """Return what is kept as the error's code; None for an event that is no error."""
    if event == "Bounce":
        return f"{kind}.{sub_kind}"
    if event == "Complaint":
        return f"Complaint.{sub_kind or 'Unspecified'}"
    return event if _STATUSES.get(event) == "failed" else None


def reported(code: str | None) -> Meaning:
    """Return what a reported error's code means; by its type alone when its subtype is new."""
    known = _REPORTS.get(code or "")
    return known or _BY_TYPE.get((code or "").partition(".")[0], _UNSAID)


def suppression(status: str) -> Literal["bounce", "complaint"] | None:
    """Return why a status ends all e-mail to its recipient; None when it does not."""
    if status == "complained":
        return "complaint"
    return "bounce" if status in {"bounced", "suppressed"} else None
