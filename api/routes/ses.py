"""What Amazon SES reports of e-mails, through Amazon SNS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.concurrency import run_in_threadpool

from api.access.requires import public
from api.aws_pages import HttpsPages
from api.deps import DatabaseDep
from api.errors import ProblemError
from api.sns import (
    SnsMessage,
    SnsRefusedError,
    SnsUnavailableError,
    SnsUnreadableError,
    SnsVerifier,
    read_message,
)
from config.telemetry import INGEST
from domain.delivery.email_events import take_email_report
from domain.delivery.errors import UnreadableReportError

if TYPE_CHECKING:
    from config.settings import Settings
    from domain.kernel.database import Database

router = APIRouter(tags=["Amazon SES"], dependencies=[public("checks the signature of Amazon SNS")])

_CHANNEL: Final = "ses"
_log = structlog.get_logger(__name__)


@router.post("/webhooks/ses", status_code=204, response_class=Response)
async def ses(request: Request, database: DatabaseDep) -> Response:
    """Take one message of Amazon SNS: a report on an e-mail, or the confirmation of a subscription.

    403 unless it is signed by Amazon SNS for a topic that the settings name, 422 when it is no message of SNS, 503 when
    it can't be taken now; SNS then repeats it. A repeat, a report on an e-mail that is not ours, and one that says
    nothing about delivery are answered like any other and change nothing.
    """
    try:
        message = read_message(await request.body())
        outcome = await run_in_threadpool(_take, message, _verifier(request), database)
    except SnsUnreadableError as error:
        raise _problem("malformed", 422, str(error)) from None
    except SnsRefusedError as error:
        _log.warning("sns_message_refused", why=str(error))
        raise _problem("unsigned", 403) from None
    except (SnsUnavailableError, OperationalError, InterfaceError, PoolTimeoutError) as error:
        _log.warning("sns_message_not_taken", error=type(error).__name__)
        raise _problem("unavailable", 503, "It can't be taken now. Send it again.") from None
    INGEST.labels(_CHANNEL, outcome).inc()
    return Response(status_code=204)


def _take(message: SnsMessage, verifier: SnsVerifier, database: Database) -> str:
    """Take a message and return what became of it in one word."""
    verifier.verify(message)
    if message.kind == "SubscriptionConfirmation":
        verifier.confirm(message)
        _log.info("sns_subscription_confirmed", topic=message.topic)
        return "confirmed"
    if message.kind == "UnsubscribeConfirmation":
        _log.warning("sns_subscription_ended", topic=message.topic)
        return "unsubscribed"
    try:
        return take_email_report(database, message.text) or "ignored"
    except UnreadableReportError:
        # SES greets a new topic with a plain sentence.
        _log.info("sns_message_ignored", topic=message.topic)
        return "ignored"


def _verifier(request: Request) -> SnsVerifier:
    """Return this process's verifier, which keeps the certificates that it has seen."""
    state = request.app.state
    if not hasattr(state, "sns_verifier"):
        settings: Settings = state.settings
        state.sns_verifier = SnsVerifier(settings.ses.topics, HttpsPages())
    verifier: SnsVerifier = state.sns_verifier
    return verifier


def _problem(outcome: str, status: int, detail: str | None = None) -> ProblemError:
    INGEST.labels(_CHANNEL, outcome).inc()
    return ProblemError(status, detail, headers={"retry-after": "5"} if status == 503 else None)  # noqa: PLR2004
