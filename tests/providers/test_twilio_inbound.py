"""Twilio's list of inbound texts, read through the real client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from domain.conversations.ports import InboundUnavailableError
from providers.twilio.inbound import TwilioInbound
from providers.twilio.transport import TwilioTransport
from tests.support.twilio_api import Reject
from tests.support.twilio_double import TwilioDouble

OURS, CUSTOMER = "+15005550006", "+15005550001"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def twilio() -> Iterator[TwilioDouble]:
    with TwilioDouble() as double:
        yield double


@pytest.fixture
def listing(twilio: TwilioDouble) -> TwilioInbound:
    return TwilioInbound(twilio.account_sid, twilio.auth_token, TwilioTransport(twilio.url), twilio.url)


def test_texts_to_the_number_are_listed_oldest_first_and_nothing_else(
    twilio: TwilioDouble, listing: TwilioInbound
) -> None:
    twilio.receive(OURS, CUSTOMER, "second", NOW)
    first = twilio.receive(OURS, CUSTOMER, "first", NOW - timedelta(minutes=5))
    twilio.receive(OURS, CUSTOMER, "before", NOW - timedelta(hours=2))
    twilio.receive("+15005550007", CUSTOMER, "to another number of the account", NOW)
    listed = listing.texts_to(OURS, NOW - timedelta(hours=1))
    assert [(text.body, text.sender) for text in listed.texts] == [("first", CUSTOMER), ("second", CUSTOMER)]
    assert (listed.texts[0].sid, listed.texts[0].sent_at) == (first, NOW - timedelta(minutes=5))
    assert listed.complete


def test_what_is_attached_is_read_like_a_webhooks(twilio: TwilioDouble, listing: TwilioInbound) -> None:
    sid = twilio.receive(OURS, CUSTOMER, "look", NOW, NumMedia="1")
    (text,) = listing.texts_to(OURS, NOW - timedelta(hours=1)).texts
    assert text.media == 1
    (media,) = json.loads(listing.media_of(sid))
    assert media["content_type"] == "image/png"
    assert media["url"].startswith(f"{twilio.url}/2010-04-01/Accounts/")
    assert media["url"].endswith(f"/Messages/{sid}/Media/ME{'a' * 32}")


@pytest.mark.parametrize("refusal", [Reject(20003, 401), Reject(20429, 429), Reject(None, 503)])
def test_a_list_that_cannot_be_had_is_said_so(twilio: TwilioDouble, listing: TwilioInbound, refusal: Reject) -> None:
    twilio.refuse_lists(refusal)
    with pytest.raises(InboundUnavailableError, match=str(refusal.code or refusal.status)):
        listing.texts_to(OURS, NOW)
