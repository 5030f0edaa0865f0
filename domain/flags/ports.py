"""What code asks of flags, and the state of one as a process holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

Kind = Literal["flag", "kill_switch", "setting"]
"""A setting is a value that operators tune; a kill switch is read by the gate alone."""
ValueType = Literal["boolean", "string", "integer", "float", "object"]
Object: TypeAlias = Mapping[str, object] | Sequence[object]
Number: TypeAlias = float
"""The type itself, where a method of that name hides it."""
Value: TypeAlias = bool | str | int | float | Object
Reason = Literal["static", "default", "targeting_match", "split", "disabled", "error"]
"""Why a flag has its value, as OpenFeature names it: `static` has no targets, `default` none that fits; a `split` is a
share of those that fit; `disabled` is archived; on an `error` the default of the code that asks counts."""

CHANGED_KEY = "flags_changed"
"""The name in `session.info` under which a transaction notes that it changed a flag."""


@dataclass(frozen=True, slots=True)
class Target:
    """Who gets another value than the default: a tenant, a client, a share, or several of these at once.

    `percentage` (0 to 100) is of those that fit the rest. `value` is None when what is stored does not fit the type.
    """

    value: Value | None
    tenant_id: UUID | None = None
    client_id: UUID | None = None
    percentage: float | None = None


@dataclass(frozen=True, slots=True)
class FlagState:
    """All that deciding a flag's value takes. `default` is None when what is stored does not fit the type."""

    key: str
    value_type: ValueType
    default: Value | None
    targets: tuple[Target, ...] = ()
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks. A share is drawn by `targeting_key`, or else by the client, or else by the tenant."""

    tenant_id: UUID | None = None
    client_id: UUID | None = None
    targeting_key: str | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a flag is for a subject, and why. `value` is None when the default of the code that asks counts.

    `variant` is "default" or "target-<position>".
    """

    value: Value | None
    reason: Reason
    variant: str | None = None
    position: int | None = None
    error: str | None = None


class Flags(Protocol):
    """The flags in force. Reading is a look-up in memory: it waits for nothing and never raises.

    `default` is returned for a flag that is unknown, archived or of another type.
    """

    def boolean(
        self,
        key: str,
        default: bool,  # noqa: FBT001 - a value
        *,
        org_id: UUID | None = None,
        client_id: UUID | None = None,
    ) -> bool:
        """Return the value of a boolean flag for a tenant, or one of its clients."""

    def string(self, key: str, default: str, *, org_id: UUID | None = None, client_id: UUID | None = None) -> str:
        """Return the value of a string flag."""

    def integer(self, key: str, default: int, *, org_id: UUID | None = None, client_id: UUID | None = None) -> int:
        """Return the value of an integer flag."""

    def float(self, key: str, default: Number, *, org_id: UUID | None = None, client_id: UUID | None = None) -> Number:
        """Return the value of a float flag."""

    def object(self, key: str, default: Object, *, org_id: UUID | None = None, client_id: UUID | None = None) -> Object:
        """Return the value of an object flag: a mapping or a list, to be read and not to be changed."""
