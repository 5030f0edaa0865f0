"""E-mails in words: all that a value can do is be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_string, policy
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery.email_templates import (
    AlertDigest,
    AnyEmail,
    DigestLine,
    GenericNotice,
    OwnerAlert,
    RenderedEmail,
    TestNotification,
    WebhookDisabled,
    render,
)

AT = datetime(2026, 11, 21, 17, 5, tzinfo=UTC)
CLIENT = "Harbor Plumbing"
UNSUBSCRIBE = "https://gatehouse.test/unsubscribe/abc"
ALERT = OwnerAlert(
    client_name=CLIENT,
    headline="Call-back request",
    summary='+15005550001 wrote: "Please call me\ntomorrow."',
    at=AT,
    link="https://gatehouse.test/dashboard",
    unsubscribe_url=UNSUBSCRIBE,
)
EVERY: list[AnyEmail] = [
    ALERT,
    AlertDigest(client_name=CLIENT, lines=[DigestLine(headline="New lead", summary="Ann", at=AT)], more=2),
    TestNotification(client_name=CLIENT),
    WebhookDisabled(client_name=CLIENT, endpoint="https://hooks.example/in", reason="It answered 500."),
    GenericNotice(client_name=CLIENT, headline="Alerts are off", paragraphs=["One.", "Two."]),
]


class Page(HTMLParser):
    """What a mail program finds in a page: its elements, its links and its visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("content", EVERY, ids=lambda content: type(content).__name__)
def test_text_and_html_say_the_same(content: AnyEmail) -> None:
    rendered = render(content)
    shown = " ".join(Page(rendered.html_body).text.split())
    for line in filter(None, map(str.strip, rendered.body.partition("\n--\n")[0].splitlines())):
        said = line.removeprefix("Open: ").partition(" (")[0]
        assert said in shown or said.startswith("https://")
    assert CLIENT in rendered.subject
    assert CLIENT in rendered.body


@pytest.mark.parametrize("content", EVERY, ids=lambda content: type(content).__name__)
def test_every_page_can_be_read_aloud_and_in_the_dark_and_loads_nothing(content: AnyEmail) -> None:
    page = Page(render(content).html_body)
    assert ("html", "lang", "en") in page.attributes
    assert page.elements.count("h1") == 1
    assert ("meta", "content", "light dark") in page.attributes
    assert "prefers-color-scheme: dark" in render(content).html_body
    assert {"img", "script", "link", "iframe"} & set(page.elements) == set()
    assert "url(" not in render(content).html_body


def test_an_alert_says_what_happened_and_how_to_end_such_mail() -> None:
    rendered = render(ALERT)
    assert rendered.subject == "Harbor Plumbing: Call-back request"
    assert 'wrote: "Please call me\ntomorrow."' in rendered.body
    assert "Sat 21 Nov 2026, 17:05 UTC" in rendered.body
    assert f"Stop these e-mails: {UNSUBSCRIBE}" in rendered.body
    assert ("a", "href", UNSUBSCRIBE) in Page(rendered.html_body).attributes


def test_a_digest_counts_what_it_does_not_list() -> None:
    rendered = render(EVERY[1])
    assert rendered.subject == "Harbor Plumbing: 3 new notifications"
    assert "And 2 more." in rendered.body


def test_a_value_can_not_begin_a_header() -> None:
    evil = replace(ALERT, client_name="Harbor\r\nBcc: all@example.com\r\n\r\n", headline="x\u2028y\x00z")
    subject = render(evil).subject
    assert subject == "Harbor Bcc: all@example.com : x y z"
    assert len(render(replace(ALERT, headline="x" * 500)).subject) == 140


@pytest.mark.parametrize("link", ["javascript:alert(1)", "//evil.example", "data:text/html,x"])
def test_a_link_leads_to_the_web_or_is_refused(link: str) -> None:
    with pytest.raises(ValueError, match="has to lead to http"):
        render(replace(ALERT, link=link))
    with pytest.raises(ValueError, match="has to lead to http"):
        render(replace(ALERT, unsubscribe_url=link))


def test_a_value_is_not_a_template() -> None:
    rendered = render(replace(ALERT, summary="{{ 7 * 7 }} {% raw %}"))
    assert "{{ 7 * 7 }} {% raw %}" in rendered.body
    assert "{{ 7 * 7 }} {% raw %}" in Page(rendered.html_body).text


PLAIN = Page(render(ALERT).html_body)
HOSTILE = st.text() | st.sampled_from(
    ["<script>alert(1)</script>", "{{ 7 * 7 }}", "{% raw %}", '"><img src=x onerror=a>', "</style>", "--\n", "&lt;"]
)


@given(client=HOSTILE, headline=HOSTILE, summary=HOSTILE)
def test_no_value_changes_a_page(client: str, headline: str, summary: str) -> None:
    rendered: RenderedEmail = render(replace(ALERT, client_name=client, headline=headline, summary=summary))
    page = Page(rendered.html_body)
    assert page.elements == PLAIN.elements
    assert page.attributes == PLAIN.attributes
    message = message_from_string(f"Subject: {rendered.subject}\n\n", policy=policy.compat32)
    assert message.keys() == ["Subject"]
