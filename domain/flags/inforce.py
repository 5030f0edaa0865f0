"""The flags in force in a transaction: those of its process, put there by whoever opened the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

from domain.flags.definitions import Definition
from domain.flags.ports import Flags, Number, Object

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

IN_FORCE: Final = "flags"
"""The name in `session.info`."""


class CodeDefaults:
    """Flags of a process that reads none: each has the default of the code that asks. A `Flags`."""

    def boolean(
        self,
        key: str,  # noqa: ARG002 - of the protocol, as below
        default: bool,  # noqa: FBT001 - a value
        *,
        org_id: UUID | None = None,  # noqa: ARG002
        client_id: UUID | None = None,  # noqa: ARG002
    ) -> bool:
        """Return the default."""
        return default

    def string(
        self,
        key: str,  # noqa: ARG002 - of the protocol, as below
        default: str,
        *,
        org_id: UUID | None = None,  # noqa: ARG002
        client_id: UUID | None = None,  # noqa: ARG002
    ) -> str:
        """Return the default."""
        return default

    def integer(
        self,
        key: str,  # noqa: ARG002 - of the protocol, as below
        default: int,
        *,
        org_id: UUID | None = None,  # noqa: ARG002
        client_id: UUID | None = None,  # noqa: ARG002
    ) -> int:
        """Return the default."""
        return default

    def float(
        self,
        key: str,  # noqa: ARG002 - of the protocol, as below
        default: Number,
        *,
        org_id: UUID | None = None,  # noqa: ARG002
        client_id: UUID | None = None,  # noqa: ARG002
    ) -> Number:
        """Return the default."""
        return default

    def object(
        self,
        key: str,  # noqa: ARG002 - of the protocol, as below
        default: Object,
        *,
        org_id: UUID | None = None,  # noqa: ARG002
        client_id: UUID | None = None,  # noqa: ARG002
    ) -> Object:
        """Return the default."""
        return default


DEFAULTS: Final[Flags] = CodeDefaults()


def flags_of(session: Session) -> Flags:
    """Return the flags in force in a transaction."""
    return cast("Flags", session.info.get(IN_FORCE, DEFAULTS))


def is_on(session: Session, flag: Definition, *, org_id: UUID | None = None, client_id: UUID | None = None) -> bool:
    """Return whether a switch of ours is on for a tenant's client."""
    return flags_of(session).boolean(flag.key, flag.default is True, org_id=org_id, client_id=client_id)


def whole(flags: Flags, setting: Definition, *, org_id: UUID | None = None, client_id: UUID | None = None) -> int:
    """Return the value of an integer setting of ours."""
    assert isinstance(setting.default, int)  # noqa: S101 - the definition says so
    return flags.integer(setting.key, setting.default, org_id=org_id, client_id=client_id)


def number(flags: Flags, setting: Definition, *, org_id: UUID | None = None, client_id: UUID | None = None) -> float:
    """Return the value of a float setting of ours."""
    assert isinstance(setting.default, int | float)  # noqa: S101 - as above
    return flags.float(setting.key, float(setting.default), org_id=org_id, client_id=client_id)
