"""POST /webhooks/twilio/status: what became of a message that we sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request, Response

from api.access.requires import public
from api.errors import ProblemError
from api.twilio_forms import MalformedFormError, receipt_of
from api.twilio_signature import signed_form
from config.telemetry import INGEST

if TYPE_CHECKING:
    from api.intake import Intake

router = APIRouter(tags=["Twilio"], dependencies=[public("checks Twilio's signature")])

_CHANNEL: Final = "status"


@router.post("/webhooks/twilio/status", status_code=204, response_class=Response)
async def status(request: Request) -> Response:
    """Take one report of what became of a message that we sent.

    403 unless Twilio signed it, 422 when it is not a report. A repeat, and a report of a message that is not ours (an
    account may serve others too), is answered like any other and changes nothing. While the database is away it is
    kept in the spool: Twilio does not repeat it.
    """
    form = await signed_form(request, _CHANNEL)
    attempt = request.query_params.get("attempt")
    try:
        receipt = receipt_of(form, attempt)
    except MalformedFormError as error:
        INGEST.labels(_CHANNEL, "malformed").inc()
        raise ProblemError(422, str(error)) from None
    intake: Intake = request.app.state.intake
    outcome = await intake.receipt(receipt, (await request.body()).decode(), attempt)
    if outcome != "spooled":
        INGEST.labels(_CHANNEL, outcome).inc()
    return Response(status_code=204)
