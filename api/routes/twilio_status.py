"""Twilio's status callbacks: https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.deps import DatabaseDep
from api.errors import ProblemError
from api.twilio_signature import signed_form
from config.telemetry import INGEST
from domain.delivery.receipts import Receipt, take_receipt

router = APIRouter(tags=["Twilio"])

_CHANNEL: Final = "status"
_SID: Final = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
_STATUS: Final = re.compile(r"[a-z_]{1,32}")
_CODE: Final = re.compile(r"[0-9]{1,6}")


@router.post("/webhooks/twilio/status", status_code=204, response_class=Response)
async def status(request: Request, database: DatabaseDep) -> Response:
    """Take one report of what became of a message that we sent.

    403 unless Twilio signed it, 422 when it is not a report. A repeat, and a report of a message that is not ours (an
    account may serve others too), is answered like any other and changes nothing.
    """
    form = await signed_form(request, _CHANNEL)
    receipt = _receipt(form, request.query_params.get("attempt"))
    INGEST.labels(_CHANNEL, await run_in_threadpool(take_receipt, database, receipt)).inc()
    return Response(status_code=204)


def _receipt(form: Mapping[str, str], attempt: str | None) -> Receipt:
    """Return the report in a form. Raises ProblemError (422)."""
    sid, reported, code = (form.get(name, "") for name in ("MessageSid", "MessageStatus", "ErrorCode"))
    if not _SID.fullmatch(sid) or not _STATUS.fullmatch(reported):
        raise _malformed("A status callback needs MessageSid and MessageStatus.")
    try:
        attempt_id = None if attempt is None else UUID(attempt)
    except ValueError:
        raise _malformed("The attempt is not an id.") from None
    return Receipt(sid, reported, code if _CODE.fullmatch(code) else None, attempt_id)


def _malformed(detail: str) -> ProblemError:
    INGEST.labels(_CHANNEL, "malformed").inc()
    return ProblemError(422, detail)
