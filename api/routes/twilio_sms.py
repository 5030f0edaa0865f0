"""POST /webhooks/twilio/sms: a text for one of our clients.

The answer is empty TwiML: replies are sent by the workers, so that Twilio never waits for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.access.requires import public
from api.errors import ProblemError
from api.twilio_forms import MalformedFormError, text_of
from api.twilio_signature import signed_form
from config.telemetry import INGEST

if TYPE_CHECKING:
    from api.intake import Intake

_TWIML: Final = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'

router = APIRouter(tags=["Twilio"], dependencies=[public("checks Twilio's signature")])


@router.post("/webhooks/twilio/sms", response_class=Response)
async def receive_sms(request: Request) -> Response:
    """Accept a text: signature, client, commit, answer. A repeat of one changes nothing.

    While the database is away the text is kept in the spool, and answered all the same.
    """
    form = await signed_form(request, "sms")
    try:
        text = text_of(form)
    except MalformedFormError as error:
        INGEST.labels("sms", "malformed").inc()
        raise ProblemError(422, str(error)) from None
    intake: Intake = request.app.state.intake
    body = (await request.body()).decode()
    correlation_id = await intake.text(text, body, request.state.made_id)
    request.state.correlation_id = correlation_id
    headers = {"x-correlation-id": str(correlation_id)} if correlation_id else None
    return Response(_TWIML, media_type="text/xml", headers=headers)
