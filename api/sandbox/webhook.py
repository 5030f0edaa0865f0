"""Send a text as Twilio would: a form, signed with the account's token, posted over HTTP to our own endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

import httpx
from twilio.request_validator import RequestValidator

from api.errors import ProblemError

if TYPE_CHECKING:
    from starlette.requests import Request

    from config.settings import Settings

PATH: Final = "/webhooks/twilio/sms"
_WITHIN: Final = 15.0
"""Seconds: what Twilio allows in all."""


async def post_text(request: Request, *, sid: str, sender: str, to: str, body: str) -> UUID | None:
    """Post the webhook of a text; return its correlation id, or None for a repeat.

    Raises ProblemError: 409 when there is no token to sign with, 502 when the endpoint did not take it.
    """
    settings: Settings = request.app.state.settings
    if settings.twilio.auth_token is None:
        raise ProblemError(409, "There is no token to sign with: set GATEHOUSE_TWILIO__AUTH_TOKEN.", kind="unsigned")
    form = {
        "MessageSid": sid,
        "AccountSid": settings.twilio.account_sid or f"AC{'0' * 32}",
        "From": sender,
        "To": to,
        "Body": body,
        "NumMedia": "0",
    }
    signer = RequestValidator(settings.twilio.auth_token.get_secret_value())
    signature = signer.compute_signature(settings.public_url + PATH, form)
    async with httpx.AsyncClient(timeout=_WITHIN, trust_env=False) as client:
        try:
            answer = await client.post(_own_address(request), data=form, headers={"X-Twilio-Signature": signature})
        except httpx.HTTPError as error:
            raise ProblemError(502, f"Our own endpoint could not be reached: {type(error).__name__}.") from None
    if answer.status_code != httpx.codes.OK:
        raise ProblemError(502, f"Our own endpoint did not take the text: {_said(answer)}")
    correlation_id = answer.headers.get("x-correlation-id")
    return None if correlation_id is None else UUID(correlation_id)


def _own_address(request: Request) -> httpx.URL:
    """Return the address that this very request came in at, whatever name and port the outside sees."""
    settings: Settings = request.app.state.settings
    host, port = request.scope.get("server") or (None, None)
    if port is None:  # A Unix socket.
        host, port = "127.0.0.1", settings.port
    return httpx.URL(scheme="http", host=host, port=port, path=PATH)


def _said(answer: httpx.Response) -> str:
    try:
        return f"{answer.status_code}, {answer.json()['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code}."
