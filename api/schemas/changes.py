"""What requests that change something share: no field that is not known, and fields that may be left out."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field


class Given(BaseModel):
    """A request's document. A field that is not known is refused, so that a misspelled one is not passed over."""

    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """Return the fields that the request holds."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


LEFT_OUT: Final[Any] = Field(default=None, json_schema_extra=_without_default)
"""The default of a field that may be left out, but not be null."""


class Because(Given):
    """Why something is done; it is kept in the audit log."""

    reason: Annotated[str, Field(min_length=1, max_length=500, examples=["Asked for by the owner by phone."])]
