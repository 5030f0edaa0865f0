"""Whether a webhook comes from Twilio: https://www.twilio.com/docs/usage/security#validating-requests.

The client's own validator computes this twice through Python loops and compares letter by letter; this one is checked
against it by a property test, and takes a tenth of the time, which the ingest routes pay for every message.
"""

from __future__ import annotations

import binascii
import hmac
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from api.errors import ProblemError
from config.telemetry import INGEST

if TYPE_CHECKING:
    from starlette.requests import Request

    from config.settings import Settings

HEADER: Final = "x-twilio-signature"
FIELDS_LIMIT: Final = 200
_FORM: Final = "application/x-www-form-urlencoded"
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


class SignatureVerifier:
    """Checks signatures made with one auth token for URLs that begin with `public_url`, with and without its port."""

    def __init__(self, auth_token: str, public_url: str) -> None:
        self._key = auth_token.encode()
        self._bases = _bases(public_url)

    def verify(self, path_and_query: str, pairs: Iterable[tuple[str, str]], signature: str | None) -> bool:
        """Return whether `signature` is right for a POST of form `pairs` (repeated names included) to this path.

        `path_and_query` is as it came over the wire.
        """
        if not signature:
            return False
        # Repeated values count once; names are sorted, then the values of a name.
        rest = path_and_query + "".join(name + value for name, value in sorted(set(pairs)))
        given = signature.encode()
        return any(hmac.compare_digest(self._sign(base + rest), given) for base in self._bases)

    def _sign(self, text: str) -> bytes:
        digest = hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha1")
        return binascii.b2a_base64(digest, newline=False)


def _bases(public_url: str) -> tuple[str, ...]:
    """Return the URL without its port and with it: Twilio signs either."""
    parts = urlsplit(public_url.rstrip("/"))
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    host = parts.netloc.removesuffix(f":{parts.port}")
    return f"{parts.scheme}://{host}{parts.path}", f"{parts.scheme}://{host}:{port}{parts.path}"


def path_and_query(request: Request) -> str:
    """Return the path and the query of a request as they came over the wire."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope["query_string"]
    return (raw + (b"?" + query if query else b"")).decode("latin-1")


def verifier_of(request: Request) -> SignatureVerifier | None:
    """Return this process's verifier; None when no auth token is set, so that nothing can be right."""
    state = request.app.state
    if not hasattr(state, "twilio_verifier"):
        settings: Settings = state.settings
        token = settings.twilio.auth_token
        state.twilio_verifier = (
            None if token is None else SignatureVerifier(token.get_secret_value(), settings.public_url)
        )
    verifier: SignatureVerifier | None = state.twilio_verifier
    return verifier


async def signed_form(request: Request, channel: str) -> Mapping[str, str]:
    """Return the form that Twilio signed; of a repeated name the last value.

    Raises ProblemError, counted for `channel`: 403 when it is not signed, 422 when it can't be read.
    """
    verifier, signature = verifier_of(request), request.headers.get(HEADER)
    if verifier is None or not signature:
        raise _refused(channel, "unsigned", 403)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise _refused(channel, "malformed", 422, f"The body has to be {_FORM}.")
    try:
        body = (await request.body()).decode()
        pairs = parse_qsl(body, keep_blank_values=True, errors="strict", max_num_fields=FIELDS_LIMIT)
    except ValueError:
        raise _refused(channel, "malformed", 422, "The body is not a readable form.") from None
    if not verifier.verify(path_and_query(request), pairs, signature):
        raise _refused(channel, "unsigned", 403)
    return dict(pairs)


def _refused(channel: str, outcome: str, status: int, detail: str | None = None) -> ProblemError:
    INGEST.labels(channel, outcome).inc()
    return ProblemError(status, detail)
