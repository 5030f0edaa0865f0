"""Fetches what Amazon SNS points to: its certificates, and the page that confirms a subscription."""

from __future__ import annotations

from typing import Final, Protocol

import httpx

from api.sns import SnsUnavailableError

_LONGEST_PAGE: Final = 64 * 1024
_LIMITS: Final = httpx.Timeout(5.0, connect=3.0)


class AwsPages(Protocol):
    """Gets pages. A private deployment, and a test, may have another way to them."""

    def get(self, url: str) -> bytes:
        """Return the page at an address that was checked. Raises SnsUnavailableError."""
        ...


class HttpsPages:
    """Gets pages over HTTPS, from the very address: a redirect is not followed."""

    def get(self, url: str) -> bytes:
        """Return the page, of at most 64 KiB. Raises SnsUnavailableError for all but a plain success."""
        try:
            with (
                httpx.Client(timeout=_LIMITS, follow_redirects=False) as client,
                client.stream("GET", url) as answer,
            ):
                if answer.status_code != httpx.codes.OK:
                    raise SnsUnavailableError(f"Amazon SNS answered {answer.status_code}.")
                return _read(answer)
        except httpx.HTTPError as error:
            raise SnsUnavailableError(f"Amazon SNS did not answer ({type(error).__name__}).") from None


def _read(answer: httpx.Response) -> bytes:
    page = b""
    for piece in answer.iter_bytes():
        page += piece
        if len(page) > _LONGEST_PAGE:
            raise SnsUnavailableError("Amazon SNS answered with more than a certificate.")
    return page
