"""Webhooks as Twilio posts them: form-encoded and signed with its own client."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode
from uuid import uuid4

from twilio.request_validator import RequestValidator

AUTH_TOKEN = "auth-token-of-the-tests-0123456789"
CUSTOMER = "+15005550001"


def sms_form(body: str = "What are your opening hours?", **fields: str) -> dict[str, str]:
    """Return the fields of a text to the demo client; `fields` change them."""
    form = {
        "MessageSid": f"SM{uuid4().hex}",
        "AccountSid": f"AC{'0' * 32}",
        "From": CUSTOMER,
        "To": "+15005550006",
        "Body": body,
        "NumMedia": "0",
    }
    return form | fields


def signature(url: str, form: Mapping[str, str], token: str = AUTH_TOKEN) -> str:
    """Return the signature that Twilio's own client computes for a form posted to `url`."""
    computed: str = RequestValidator(token).compute_signature(url, dict(form))
    return computed


def signed(public_url: str, form: Mapping[str, str], path: str = "/webhooks/twilio/sms") -> dict[str, str]:
    """Return the headers of a signed post of `form`."""
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": signature(public_url + path, form),
    }


def encoded(form: Mapping[str, str]) -> bytes:
    """Return the form as it goes over the wire."""
    return urlencode(form).encode()
