"""Flags, their targets and versions as documents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from domain.flags.change import KEY, LONGEST_ABOUT, Change, NewFlag
from domain.flags.definitions import DEFINITIONS
from domain.flags.documents import difference
from domain.flags.listing import Evaluated
from domain.flags.models import Flag, FlagRevision, FlagTarget
from domain.flags.ports import Kind, Target, Value, ValueType
from domain.flags.targets import MOST_TARGETS

_STRICT = ConfigDict(extra="forbid")
_NO_ZERO = r"^[^\x00]*$"
Key = Annotated[str, Path(pattern=f"^{KEY.pattern}$")]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_NO_ZERO)]
About = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ABOUT, pattern=_NO_ZERO)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1, description="The version that is changed; 409 when it is another.")]


class TargetDocument(BaseModel):
    """Who gets another value: a tenant, a client, a share (`percentage`, 0 to 100), or several of these at once."""

    model_config = _STRICT

    value: JsonValue
    tenant_id: UUID | None = None
    client_id: UUID | None = None
    percentage: Annotated[float, Field(ge=0, le=100)] | None = None

    def target(self) -> Target:
        """Return the target; its value is checked when it is stored."""
        return Target(self.value, self.tenant_id, self.client_id, self.percentage)


class NewFlagDocument(BaseModel):
    """A flag of the operators' own."""

    model_config = _STRICT

    key: Annotated[str, StringConstraints(pattern=f"^{KEY.pattern}$")]
    kind: Literal["flag", "setting"] = "flag"
    value_type: ValueType
    default: JsonValue
    about: About
    reason: Reason | None = None

    def new(self) -> NewFlag:
        """Return what is to be created; the default is checked against the type then."""
        return NewFlag(self.key, self.value_type, self.default, self.about, self.kind)  # type: ignore[arg-type]


class ChangeDocument(BaseModel):
    """What is to be otherwise; what is left out stays. `targets` replaces all of them, in the order of asking."""

    model_config = _STRICT

    version: Version
    default: JsonValue = None
    targets: Annotated[list[TargetDocument], Field(max_length=MOST_TARGETS)] | None = None
    about: About | None = None
    reason: Reason | None = None

    def change(self) -> Change:
        """Return the change."""
        targets = None if self.targets is None else [target.target() for target in self.targets]
        return Change(default=self.default, targets=targets, about=self.about)


class ArchiveDocument(BaseModel):
    """The version that is archived, and why."""

    model_config = _STRICT

    version: Version
    reason: Reason | None = None


class RevertDocument(ArchiveDocument):
    """The version at which a flag is, and the one that it is put back to."""

    to: Version


class FlagSummary(BaseModel):
    """A flag. `read_by`: the code of this release that reads it, None for one of the operators' own."""

    key: str
    kind: Kind
    value_type: ValueType
    about: str
    default: JsonValue
    version: int
    read_by: str | None
    least: float | None
    most: float | None
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None


class FlagDocument(FlagSummary):
    """A flag with its targets, which are asked in order; the first that fits decides."""

    targets: list[TargetDocument]


class RevisionDocument(BaseModel):
    """One version of a flag; `changes`: what is otherwise than in the version before, None on the first of a page."""

    version: int
    default: JsonValue
    targets: list[TargetDocument]
    about: str
    archived: bool
    actor: str
    reason: str | None
    created_at: datetime
    changes: list[str] | None


class EvaluationDocument(BaseModel):
    """What a flag is for somebody, and why, in OpenFeature's words (`reason`, `variant`) and in ours.

    `value` is by what is committed; `in_force` is what this process goes by, a moment later the same. Both are None
    where only the code that asks knows the default.
    """

    key: str
    value: JsonValue
    in_force: JsonValue
    reason: str
    variant: str | None
    words: str


def flag_summary(flag: Flag) -> FlagSummary:
    """Return a flag as a document."""
    return FlagSummary.model_validate(_facts(flag))


def flag_document(flag: Flag, targets: Sequence[FlagTarget]) -> FlagDocument:
    """Return a flag with its targets as a document."""
    shown = [
        TargetDocument(value=one.value, tenant_id=one.tenant_id, client_id=one.client_id, percentage=one.percentage)
        for one in targets
    ]
    return FlagDocument.model_validate({**_facts(flag), "targets": shown})


def revision_documents(revisions: Sequence[FlagRevision]) -> list[RevisionDocument]:
    """Return versions, newest first, each with what it changed."""
    older = [*revisions[1:], None]
    return [
        RevisionDocument.model_validate(
            {
                **revision.document,
                "version": revision.version,
                "actor": revision.actor,
                "reason": revision.reason,
                "created_at": revision.created_at,
                "changes": None if before is None else difference(before.document, revision.document),
            }
        )
        for revision, before in zip(revisions, older, strict=True)
    ]


def evaluation_document(key: str, found: Evaluated, in_force: Value | None) -> EvaluationDocument:
    """Return an evaluation as a document."""
    resolution = found.resolution
    return EvaluationDocument.model_validate(
        {
            "key": key,
            "value": found.value,
            "in_force": in_force,
            "reason": resolution.reason.upper(),
            "variant": resolution.variant,
            "words": found.words,
        }
    )


def _facts(flag: Flag) -> dict[str, object]:
    definition = DEFINITIONS.get(flag.key)
    named = {name: getattr(flag, name) for name in FlagSummary.model_fields if hasattr(flag, name)}
    return named | {
        "default": flag.default_value,
        "read_by": definition and definition.read_by,
        "least": definition and definition.least,
        "most": definition and definition.most,
    }
