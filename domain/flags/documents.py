"""A flag as a document, as revisions and the audit log keep it, and the difference of two in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from domain.flags.ports import Target

if TYPE_CHECKING:
    from domain.flags.models import Flag, FlagTarget

Document = Mapping[str, Any]


def document(flag: Flag, targets: Sequence[FlagTarget]) -> dict[str, Any]:
    """Return a flag as it is stored, as JSON has it."""
    return {
        "default": flag.default_value,
        "about": flag.about,
        "archived": flag.archived_at is not None,
        "targets": [target_document(Target(t.value, t.tenant_id, t.client_id, t.percentage)) for t in targets],
    }


def target_document(target: Target) -> dict[str, Any]:
    """Return a target as a document; what it does not narrow by is left out."""
    narrowing = {
        "tenant_id": target.tenant_id and str(target.tenant_id),
        "client_id": target.client_id and str(target.client_id),
        "percentage": target.percentage,
    }
    return {"value": target.value} | {name: value for name, value in narrowing.items() if value is not None}


def target_of(found: Document) -> Target:
    """Return the target that a document holds."""
    tenant, client = found.get("tenant_id"), found.get("client_id")
    return Target(found["value"], tenant and UUID(tenant), client and UUID(client), found.get("percentage"))


def difference(before: Document, after: Document) -> list[str]:
    """Return what changed between two versions, a line each."""
    changed = [name for name in ("default", "targets", "archived", "about") if before.get(name) != after.get(name)]
    return [f"{name}: {_short(before.get(name))} → {_short(after.get(name))}" for name in changed]


def changed_parts(before: Document, after: Document) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parts in which two versions differ, as they were and as they are."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}


def _short(value: object) -> str:
    if isinstance(value, list) and all(isinstance(one, dict) and "value" in one for one in value):
        return f"{len(value)} target{'' if len(value) == 1 else 's'}"
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) <= 80 else f"{written[:79]}…"  # noqa: PLR2004 - what fits a line
