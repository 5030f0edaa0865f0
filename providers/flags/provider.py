"""The OpenFeature provider: resolves flags out of what the process holds in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

from openfeature.event import ProviderEventDetails
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider import AbstractProvider, Metadata

from domain.flags.evaluate import evaluate
from domain.flags.ports import FlagState, Subject, Value, ValueType

if TYPE_CHECKING:
    from openfeature.evaluation_context import EvaluationContext
    from openfeature.flag_evaluation import FlagValueType

T = TypeVar("T")
ORG_ID: Final = "org_id"
CLIENT_ID: Final = "client_id"
"""The attributes of an evaluation context that targets look at, beside its targeting key."""
_REASONS: Final[Mapping[str, Reason]] = {
    "static": Reason.STATIC,
    "default": Reason.DEFAULT,
    "targeting_match": Reason.TARGETING_MATCH,
    "split": Reason.SPLIT,
    "disabled": Reason.DISABLED,
    "error": Reason.ERROR,
}
_NOBODY: Final = Subject()


class StoredFlags(AbstractProvider):
    """Resolves from the flags that were put last; they are swapped as a whole, so no half of a change is seen."""

    def __init__(self) -> None:
        super().__init__()
        self._states: Mapping[str, FlagState] | None = None

    def put(self, states: Mapping[str, FlagState]) -> None:
        """Resolve from these from now on."""
        first, self._states = self._states is None, states
        details = ProviderEventDetails(flags_changed=None)
        self.emit_provider_ready(details)
        if not first:
            self.emit_provider_configuration_changed(details)

    def held(self, key: str, subject: Subject) -> Value | None:
        """Return what is held for a subject, None where the default of the code that asks counts."""
        state = (self._states or {}).get(key)
        return None if state is None else evaluate(state, subject).value

    def stale(self, why: str) -> None:
        """Tell that what is held may be outdated."""
        details = ProviderEventDetails(message=why)
        if self._states is None:
            self.emit_provider_error(details)
        else:
            self.emit_provider_stale(details)

    def get_metadata(self) -> Metadata:
        """Return the provider's name."""
        return Metadata("gatehouse-postgresql")

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,  # noqa: FBT001 - a value
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """Resolve a boolean flag."""
        return self._resolve("boolean", flag_key, default_value, evaluation_context)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """Resolve a string flag."""
        return self._resolve("string", flag_key, default_value, evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """Resolve an integer flag."""
        return self._resolve("integer", flag_key, default_value, evaluation_context)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """Resolve a float flag."""
        return self._resolve("float", flag_key, default_value, evaluation_context)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Any,  # noqa: ANN401 - as OpenFeature has it
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Any]:
        """Resolve an object flag."""
        return self._resolve("object", flag_key, default_value, evaluation_context)

    def _resolve(
        self, value_type: ValueType, key: str, default: T, context: EvaluationContext | None
    ) -> FlagResolutionDetails[T]:
        states = self._states
        if states is None:
            return _error(default, ErrorCode.PROVIDER_NOT_READY, "No flags could be read yet.")
        state = states.get(key)
        if state is None:
            return _error(default, ErrorCode.FLAG_NOT_FOUND, f"There is no flag {key}.")
        if state.value_type != value_type:
            return _error(default, ErrorCode.TYPE_MISMATCH, f"{key} is of type {state.value_type}.")
        found = evaluate(state, _subject(context) if state.targets else _NOBODY)
        if found.error is not None:
            return _error(default, ErrorCode.TYPE_MISMATCH, found.error)
        value: Any = default if found.value is None else found.value
        return FlagResolutionDetails(value, reason=_REASONS[found.reason], variant=found.variant)


def _error(default: T, code: ErrorCode, words: str) -> FlagResolutionDetails[T]:
    return FlagResolutionDetails(default, error_code=code, error_message=words, reason=Reason.ERROR)


def _subject(context: EvaluationContext | None) -> Subject:
    if context is None:
        return _NOBODY
    attributes = context.attributes
    return Subject(_id(attributes.get(ORG_ID)), _id(attributes.get(CLIENT_ID)), context.targeting_key)


def _id(value: FlagValueType | object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
