"""One webhook as it is kept: the verified form, and what it will be once it is stored."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import UUID

from domain.kernel.errors import GatehouseError
from domain.kernel.ids import new_id

Kind = Literal["sms", "status"]
_VERSION: Final = 1


class UnreadableArrivalError(GatehouseError):
    """What was kept is not an arrival; a later release may have written it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A webhook whose signature was right. `form` is its body; `attempt` the query parameter of a status callback.

    The ids are those that the message gets: they say when it came, so that texts stay in order, and an attempt to
    store it whose end nobody knows does no harm.
    """

    kind: Kind
    form: str = field(repr=False)
    attempt: str | None = None
    message_id: UUID = field(default_factory=new_id)
    correlation_id: UUID = field(default_factory=new_id)
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def encode(self) -> bytes:
        """Return this as bytes for a store."""
        return json.dumps(
            {
                "v": _VERSION,
                "kind": self.kind,
                "form": self.form,
                "attempt": self.attempt,
                "message_id": self.message_id.hex,
                "correlation_id": self.correlation_id.hex,
                "received_at": self.received_at.isoformat(),
            }
        ).encode()


def decode(payload: bytes) -> Arrival:
    """Return the arrival that `encode` wrote. Raises UnreadableArrivalError."""
    try:
        fields = json.loads(payload)
        if fields["v"] != _VERSION or fields["kind"] not in {"sms", "status"}:
            raise UnreadableArrivalError("An entry of the spool is of another version.")
        return Arrival(
            kind=fields["kind"],
            form=str(fields["form"]),
            attempt=fields["attempt"],
            message_id=UUID(hex=fields["message_id"]),
            correlation_id=UUID(hex=fields["correlation_id"]),
            received_at=datetime.fromisoformat(fields["received_at"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnreadableArrivalError("An entry of the spool can't be read.") from None
