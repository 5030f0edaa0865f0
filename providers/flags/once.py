"""The flags of a command that ends soon: read when it first asks, not kept current."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

from domain.flags.evaluate import evaluate
from domain.flags.ports import Number, Object, Subject, ValueType
from providers.flags.table import FlagTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.flags.ports import FlagState


class FlagsOnce:
    """Implements `domain.flags.ports.Flags` for one command in one thread."""

    def __init__(self, platform_url: str) -> None:
        self._url = platform_url
        self._states: Mapping[str, FlagState] | None = None

    def boolean(
        self,
        key: str,
        default: bool,  # noqa: FBT001 - a value
        *,
        org_id: UUID | None = None,
        client_id: UUID | None = None,
    ) -> bool:
        """Return the value of a boolean flag."""
        return bool(self._value("boolean", key, default, org_id, client_id))

    def string(self, key: str, default: str, *, org_id: UUID | None = None, client_id: UUID | None = None) -> str:
        """Return the value of a string flag."""
        return str(self._value("string", key, default, org_id, client_id))

    def integer(self, key: str, default: int, *, org_id: UUID | None = None, client_id: UUID | None = None) -> int:
        """Return the value of an integer flag."""
        return int(self._value("integer", key, default, org_id, client_id))

    def float(self, key: str, default: Number, *, org_id: UUID | None = None, client_id: UUID | None = None) -> Number:
        """Return the value of a float flag."""
        value: Number = self._value("float", key, default, org_id, client_id)
        return value

    def object(self, key: str, default: Object, *, org_id: UUID | None = None, client_id: UUID | None = None) -> Object:
        """Return the value of an object flag."""
        value: Object = self._value("object", key, default, org_id, client_id)
        return value

    def _value(
        self,
        value_type: ValueType,
        key: str,
        default: Any,  # noqa: ANN401 - as what is returned
        org_id: UUID | None,
        client_id: UUID | None,
    ) -> Any:  # noqa: ANN401 - of the type that is asked for
        state = self._all().get(key)
        if state is None or state.value_type != value_type:
            return default
        found = evaluate(state, Subject(org_id, client_id)).value
        return default if found is None else found

    def _all(self) -> Mapping[str, FlagState]:
        if self._states is None:
            table = FlagTable(self._url)
            try:
                self._states = table.read()
            except psycopg.Error:
                self._states = {}
            finally:
                table.close()
        return self._states
