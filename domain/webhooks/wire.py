"""What a receiver gets: Standard Webhooks, signed.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from standardwebhooks import Webhook

USER_AGENT: Final = "Gatehouse-Webhooks/1"
_SECRET_BYTES: Final = 32
_PREFIX: Final = "whsec_"


def new_secret() -> str:
    """Return a new signing secret, as the libraries of receivers take it."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def body(
    event_type: str,
    occurred_at: datetime,
    client_id: UUID | None,
    correlation_id: UUID | None,
    payload: Mapping[str, Any],
) -> bytes:
    """Return the body that tells of an event: `type`, `timestamp` and `data`. Equal at every try."""
    about = {
        "client_id": None if client_id is None else str(client_id),
        "correlation_id": None if correlation_id is None else str(correlation_id),
    }
    timestamp = occurred_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    document = {"type": event_type, "timestamp": timestamp, "data": {**about, **payload}}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def headers(event_id: UUID, content: bytes, signing: Sequence[str], now: datetime) -> dict[str, str]:
    """Return the headers of a call made at `now`, signed with each of the secrets in `signing`."""
    now = now.astimezone(UTC)
    text = content.decode()
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": str(event_id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(str(event_id), now, text) for secret in signing),
    }
