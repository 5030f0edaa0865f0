"""Signed webhooks as Twilio posts them, as whole HTTP requests in bytes."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlencode
from uuid import uuid4

from benchmarks.stage import ACCOUNT_SID, AUTH_TOKEN
from migrations.seeds.demo import SMS_NUMBER

PATH: Final = "/webhooks/twilio/sms"
QUESTION: Final = "What are your opening hours on Saturday?"


def requests(port: int, count: int, *, body: str = QUESTION) -> Iterator[bytes]:
    """Give `count` requests, each of a new message from a contact of its own."""
    url = f"http://127.0.0.1:{port}{PATH}"
    for number in range(count):
        form = _form(f"+1500{5550100 + number:07d}", body)
        text = url + "".join(name + form[name] for name in sorted(form))
        signature = base64.b64encode(hmac.digest(AUTH_TOKEN.encode(), text.encode(), hashlib.sha1)).decode()
        content = urlencode(form).encode()
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n"
            "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
            f"I-Twilio-Idempotency-Token: {form['MessageSid']}\r\nX-Twilio-Signature: {signature}\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        yield head.encode() + content


def _form(sender: str, body: str) -> dict[str, str]:
    sid = "SM" + uuid4().hex
    return {
        "ToCountry": "US",
        "ToState": "NY",
        "SmsMessageSid": sid,
        "NumMedia": "0",
        "ToCity": "NEW YORK",
        "FromZip": "10001",
        "SmsSid": sid,
        "FromState": "NY",
        "SmsStatus": "received",
        "FromCity": "NEW YORK",
        "Body": body,
        "FromCountry": "US",
        "To": SMS_NUMBER,
        "ToZip": "10001",
        "NumSegments": "1",
        "MessageSid": sid,
        "AccountSid": ACCOUNT_SID,
        "From": sender,
        "ApiVersion": "2010-04-01",
    }
