"""Check who a flag is targeted at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select, text

from domain.flags.definitions import DEFINITIONS
from domain.flags.errors import InvalidFlagError
from domain.flags.ports import Target
from domain.flags.values import check
from domain.tenancy.models import Organization

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.flags.models import Flag

MOST_TARGETS: Final = 100
_WHOLE: Final = 100.0
_DIGITS: Final = 4
"""Decimals of a percentage; the database keeps no more of one."""
# By hand: clients stand above flags.
_CLIENTS: Final = text("SELECT id, org_id FROM clients WHERE id = ANY (cast(:ids AS uuid[]))")


def check_targets(session: Session, flag: Flag, targets: Sequence[Target]) -> list[Target]:
    """Return targets as they may be stored. Raises InvalidFlagError, which names the first that may not."""
    if len(targets) > MOST_TARGETS:
        raise InvalidFlagError(f"A flag may have {MOST_TARGETS} targets.")
    tenants, clients = _tenants(session, targets), _clients(session, targets)
    checked = []
    for position, target in enumerate(targets):
        try:
            _check_who(target, tenants, clients)
            value = check(flag.value_type, target.value, DEFINITIONS.get(flag.key))
            share = target.percentage if target.percentage is None else round(target.percentage, _DIGITS)
            checked.append(replace(target, value=value, percentage=share))
        except InvalidFlagError as error:
            raise InvalidFlagError(f"Target {position}: {error}") from None
    return checked


def _check_who(target: Target, tenants: frozenset[UUID], clients: dict[UUID, UUID]) -> None:
    if target.tenant_id is None and target.client_id is None and target.percentage is None:
        raise InvalidFlagError("It names neither a tenant, nor a client, nor a share; that is what the default is for.")
    if target.percentage is not None and not (math.isfinite(target.percentage) and 0 <= target.percentage <= _WHOLE):
        raise InvalidFlagError("A share is a percentage from 0 to 100.")
    if target.tenant_id is not None and target.tenant_id not in tenants:
        raise InvalidFlagError(f"There is no organization {target.tenant_id}.")
    if target.client_id is not None:
        if target.client_id not in clients:
            raise InvalidFlagError(f"There is no client {target.client_id}.")
        if target.tenant_id not in {None, clients[target.client_id]}:
            raise InvalidFlagError(f"The client {target.client_id} is not of the organization {target.tenant_id}.")


def _tenants(session: Session, targets: Sequence[Target]) -> frozenset[UUID]:
    named = [target.tenant_id for target in targets if target.tenant_id is not None]
    return (
        frozenset(session.scalars(select(Organization.id).where(Organization.id.in_(named)))) if named else frozenset()
    )


def _clients(session: Session, targets: Sequence[Target]) -> dict[UUID, UUID]:
    named = [target.client_id for target in targets if target.client_id is not None]
    if not named:
        return {}
    return {row.id: row.org_id for row in session.execute(_CLIENTS, {"ids": named})}
