"""Whether a client is served at all: its organization, its cancellation, its billing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.gate.guards import Decision, Guard, Input, allow, block, in_utc

if TYPE_CHECKING:
    from domain.gate.snapshot import Snapshot


def standing(snapshot: Snapshot) -> list[Decision]:
    """Return the decisions on which everything else stands, in the order in which they are told to an operator."""
    return [organization_active(snapshot), not_cancelled(snapshot), billing_in_order(snapshot)]


def organization_active(snapshot: Snapshot) -> Decision:
    """Decide whether the organization may work at all."""
    inputs = {"organization_active": snapshot.org_active}
    if not snapshot.org_active:
        return block(Guard.ORGANIZATION_ACTIVE, "hard", "The organization is suspended.", inputs)
    return allow(Guard.ORGANIZATION_ACTIVE, "The organization is active.", inputs)


def not_cancelled(snapshot: Snapshot) -> Decision:
    """Decide whether the client is still with us: not archived, and if it has cancelled, not before `cancels_at`."""
    guard = Guard.NOT_CANCELLED
    inputs: dict[str, Input] = {
        "billing_status": snapshot.billing_status,
        "cancels_at": in_utc(snapshot.cancels_at),
        "archived_at": in_utc(snapshot.archived_at),
        "now": in_utc(snapshot.now),
    }
    if snapshot.archived_at is not None:
        return block(guard, "hard", "The client is archived.", inputs)
    if _has_left(snapshot):
        return block(guard, "hard", "The client has cancelled and its service has ended.", inputs)
    if snapshot.cancels_at is not None:
        return allow(guard, "The client has cancelled but is served until its last day.", inputs)
    return allow(guard, "The client has not cancelled.", inputs)


def billing_in_order(snapshot: Snapshot) -> Decision:
    """Decide whether the client is paid for, on trial, in grace, or was never billed through us."""
    inputs: dict[str, Input] = {
        "billing_status": snapshot.billing_status,
        "payment_active": snapshot.payment_active,
        "trial_used_at": in_utc(snapshot.trial_used_at),
        "trial_ends_at": in_utc(snapshot.trial_ends_at),
        "now": in_utc(snapshot.now),
    }
    in_order, reason = _billing(snapshot)
    if in_order:
        return allow(Guard.BILLING_IN_ORDER, reason, inputs)
    return block(Guard.BILLING_IN_ORDER, "hard", reason, inputs)


def _has_left(snapshot: Snapshot) -> bool:
    # `canceled` is written down once the day has come, so it counts whatever a clock shows.
    return snapshot.billing_status == "canceled" or (
        snapshot.cancels_at is not None and snapshot.cancels_at <= snapshot.now
    )


def _billing(snapshot: Snapshot) -> tuple[bool, str]:
    """Return whether billing is in order, and why, in words."""
    match snapshot.billing_status:
        case "active":
            return True, "The subscription is active."
        case "past_due":
            return True, "The payment is past due; the client is served during the grace period."
        case "canceled":
            return False, "The subscription has ended."
        case "none" | "trial":
            return _unsubscribed(snapshot)
        case _:
            return False, "The billing status is not one that is known."


def _unsubscribed(snapshot: Snapshot) -> tuple[bool, str]:
    if snapshot.payment_active:
        return True, "The client pays, though no subscription is recorded yet."
    if snapshot.trial_ends_at is not None:
        running = snapshot.now < snapshot.trial_ends_at
        return running, "The trial is running." if running else "The trial is over and no payment is active."
    if snapshot.billing_status == "trial":
        return True, "The trial is running and has no end set."
    if snapshot.trial_used_at is not None:
        return False, "The trial was used and no payment is active."
    return True, "No subscription and no trial is recorded for this client."
