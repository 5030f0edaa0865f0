"""POST /webhooks/twilio/sms: a text for one of our clients.

Fields: https://www.twilio.com/docs/messaging/guides/webhook-request. The answer is empty TwiML: replies are sent by the
workers, so that Twilio never waits for one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request
from starlette.responses import Response
from structlog.contextvars import bind_contextvars

from api.errors import ProblemError
from api.twilio_signature import signed_form
from config.telemetry import INGEST
from domain.conversations.accept import Inbound

if TYPE_CHECKING:
    from api.ingest import Ingest
    from api.numbers import NumberDirectory

BODY_LIMIT: Final = 1_600
ADDRESS_LIMIT: Final = 64
MEDIA_LIMIT: Final = 10
_TWIML: Final = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
_SID: Final = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}")

router = APIRouter(tags=["Twilio"])


@router.post("/webhooks/twilio/sms", response_class=Response)
async def receive_sms(request: Request) -> Response:
    """Accept a text: signature, client, commit, answer. A repeat of one changes nothing."""
    form = await signed_form(request, "sms")
    sid, sender, to = _required(form)
    numbers: NumberDirectory = request.app.state.numbers
    destination = await numbers.find(to, form.get("MessagingServiceSid"))
    if destination is None:
        raise _refused("unknown_number", 404)
    message = Inbound(
        org_id=destination.org_id,
        client_id=destination.client_id,
        channel="sms",
        address=sender,
        body=form.get("Body", "").replace("\x00", "")[:BODY_LIMIT],
        external_id=sid,
        media=_media(form),
        opt_out_type=form.get("OptOutType"),
    )
    bind_contextvars(
        org_id=str(destination.org_id),
        client_id=str(destination.client_id),
        correlation_id=str(message.correlation_id),
    )
    ingest: Ingest = request.app.state.ingest
    new = await ingest.accept(message)
    headers = {"x-correlation-id": str(message.correlation_id)} if new else None
    return Response(_TWIML, media_type="text/xml", headers=headers)


def _required(form: Mapping[str, str]) -> tuple[str, str, str]:
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
        raise _refused("malformed", 422, f"Missing or unusable: {', '.join(wrong)}.")
    return sid, sender, to


def _media(form: Mapping[str, str]) -> str:
    """Return what is known of attached media as JSON; the files stay with Twilio."""
    stated = form.get("NumMedia", "0")
    count = min(int(stated), MEDIA_LIMIT) if stated.isdecimal() and len(stated) < len("1000") else 0
    media = [
        {"url": form.get(f"MediaUrl{i}", "")[:2048], "content_type": form.get(f"MediaContentType{i}", "")[:128]}
        for i in range(count)
    ]
    return json.dumps(media).replace("\\u0000", "")


def _refused(outcome: str, status: int, detail: str | None = None) -> ProblemError:
    INGEST.labels("sms", outcome).inc()
    return ProblemError(status, detail)
