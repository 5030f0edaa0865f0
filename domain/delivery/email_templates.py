"""The e-mails that are sent, each as what it says: a dataclass in, a subject, a text and the same in HTML out.

Values come from customers and owners: each is escaped, and a link is one only when it leads to http or https.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from domain.kernel.letters import environments, on_one_line, one_line, printable

UNSUBSCRIBE_HERE: Final = "https://unsubscribe.invalid/here"
"""Stands for the recipient's own link, which is put in its place when the e-mail is sent (`unsubscribe`)."""


@dataclass(frozen=True, slots=True)
class RenderedEmail:
    """An e-mail in words: `subject` is one line, `body` plain text, `html_body` a whole page that says the same."""

    subject: str = field(repr=False)
    body: str = field(repr=False)
    html_body: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What every e-mail has.

    `client_name` is the business it is about. `link` leads to where something can be done, `unsubscribe_url` to where
    the recipient ends these e-mails; either may be missing.
    """

    client_name: str
    link: str | None = None
    unsubscribe_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerAlert(Content):
    """One thing that an owner should know now: `headline` such as "Call-back request", `summary` who and what."""

    headline: str
    summary: str = field(repr=False)
    at: datetime | None = None
    unsubscribe_url: str | None = UNSUBSCRIBE_HERE


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestLine:
    """One of the things in a digest. `at` is shown in its own time zone."""

    headline: str
    summary: str = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDigest(Content):
    """Several things that came up soon after one another. `more` counts those that are not listed."""

    lines: Sequence[DigestLine]
    more: int = 0
    unsubscribe_url: str | None = UNSUBSCRIBE_HERE


@dataclass(frozen=True, slots=True, kw_only=True)
class TestNotification(Content):
    """Shows an owner that alerts arrive."""

    __test__ = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDisabled(Content):
    """An endpoint of the owner's failed for so long that it is called no more. `reason` is what it answered last."""

    endpoint: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GenericNotice(Content):
    """Anything else, in paragraphs. `link_words` names what the link leads to."""

    headline: str
    paragraphs: Sequence[str] = field(repr=False)
    link_words: str = "Open"


AnyEmail = OwnerAlert | AlertDigest | TestNotification | WebhookDisabled | GenericNotice
_SHORT: Final = frozenset({"client_name", "headline", "endpoint", "link_words"})
"""Fields that stand within a line."""
_NAMES: Final[dict[type[Content], str]] = {
    OwnerAlert: "owner_alert",
    AlertDigest: "alert_digest",
    TestNotification: "test_notification",
    WebhookDisabled: "webhook_disabled",
    GenericNotice: "generic_notice",
}

_HTML, _TEXT = environments(Path(__file__).parent / "templates")


def render(content: AnyEmail) -> RenderedEmail:
    """Put an e-mail into words. Raises ValueError for a link that does not lead to http or https."""
    for link in (content.link, content.unsubscribe_url):
        if link is not None and urlsplit(link).scheme not in {"http", "https"}:
            raise ValueError("A link of an e-mail has to lead to http or https.")
    name = _NAMES[type(content)]
    values = {each.name: _clean(getattr(content, each.name)) for each in fields(content)}
    values |= {name: on_one_line(values[name]) for name in _SHORT & values.keys()}
    return RenderedEmail(
        one_line(_subject(content)),
        _TEXT.get_template(f"{name}.txt").render(values).strip() + "\n",
        _HTML.get_template(f"{name}.html").render(values),
    )


def _subject(content: AnyEmail) -> str:
    match content:
        case OwnerAlert() | GenericNotice():
            return f"{content.client_name}: {content.headline}"
        case AlertDigest():
            count = len(content.lines) + content.more
            return f"{content.client_name}: {count} new notifications"
        case TestNotification():
            return f"{content.client_name}: test notification"
        case WebhookDisabled():
            return f"{content.client_name}: a webhook endpoint was switched off"


def _clean(value: Any) -> Any:  # noqa: ANN401  # whatever a template shows
    """Return a value without characters that no mail program shows."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, DigestLine):
        return DigestLine(headline=_clean(value.headline), summary=_clean(value.summary), at=value.at)
    if isinstance(value, Sequence):
        return [_clean(each) for each in value]
    return value
