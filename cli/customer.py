"""A customer who texts a running system: posts what Twilio would post, and watches the journey of the message."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import uuid4

import httpx
from twilio.request_validator import RequestValidator

from cli.failure import FailureError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from config.settings import Settings

_SECONDS: Final = 10.0
_LOOK_EVERY: Final = 0.2


@dataclass(frozen=True, slots=True)
class Journey:
    """What is on record about one message, and whether anything is still to come."""

    url: str
    finished: bool = False
    headline: str = "Nothing is on record yet."
    reply: str | None = None
    steps: Sequence[dict[str, Any]] = ()


class Customer:
    """Speaks to the api at GATEHOUSE_PUBLIC_URL. Raises `FailureError` when it does not do its part."""

    def __init__(self, settings: Settings) -> None:
        if settings.twilio.auth_token is None or settings.admin_token is None:
            raise FailureError(
                "Set GATEHOUSE_TWILIO__AUTH_TOKEN and GATEHOUSE_ADMIN_TOKEN to those of the running api."
            )
        self._url = settings.public_url
        self._signer = RequestValidator(settings.twilio.auth_token.get_secret_value())
        self._account = settings.twilio.account_sid or "AC" + "0" * 32
        bearer = {"Authorization": f"Bearer {settings.admin_token.get_secret_value()}"}
        self._http = httpx.Client(base_url=self._url, headers=bearer, timeout=_SECONDS)

    def __enter__(self) -> Self:
        """Return the customer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._http.close()

    def text(self, sender: str, to: str, body: str) -> str:
        """Send a text; return its correlation id."""
        url = f"{self._url}/webhooks/twilio/sms"
        form = {
            "MessageSid": f"SM{uuid4().hex}",
            "AccountSid": self._account,
            "From": sender,
            "To": to,
            "Body": body,
            "NumMedia": "0",
        }
        signature = self._signer.compute_signature(url, form)
        answer = self._http.post(url, data=form, headers={"X-Twilio-Signature": signature})
        if answer.status_code != httpx.codes.OK:
            raise FailureError(f"The api refused the text: {_detail(answer)}")
        return answer.headers["x-correlation-id"]

    def follow(self, correlation_id: str, seconds: float) -> Journey:
        """Return the journey once it is finished, or as it is when the time is over."""
        until = time.monotonic() + seconds
        while True:
            journey = self._journey(correlation_id)
            if journey.finished or time.monotonic() >= until:
                return journey
            time.sleep(_LOOK_EVERY)

    def _journey(self, correlation_id: str) -> Journey:
        page = f"{self._url}/dashboard/journeys/{correlation_id}"
        answer = self._http.get(f"/api/v1/journeys/{correlation_id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return Journey(page)
        if answer.status_code != httpx.codes.OK:
            raise FailureError(f"The api does not show the journey: {_detail(answer)}")
        found = answer.json()
        steps = [{**step, "after": f"{step['offset_ms']:.0f} ms"} for step in found["steps"]]
        return Journey(page, found["finished"], found["headline"], found["reply"], steps)


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}. Is {answer.url.copy_with(path='/')} a Gatehouse api?"
