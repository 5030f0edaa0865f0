"""The kill switches of the platform: what its operators stop for everybody, or for a tenant, a client or a share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.gate.guards import Decision, Guard, allow, block

if TYPE_CHECKING:
    from domain.gate.snapshot import Snapshot


def platform_outbound(snapshot: Snapshot) -> Decision:
    """Decide whether the platform sends anything to customers and owners now."""
    inputs = {"platform_outbound_stopped": snapshot.platform_outbound_stopped}
    if snapshot.platform_outbound_stopped:
        return block(Guard.PLATFORM_OUTBOUND, "hard", "Everything outbound is stopped on the platform.", inputs)
    return allow(Guard.PLATFORM_OUTBOUND, "The platform sends.", inputs)


def platform_ai(snapshot: Snapshot) -> Decision:
    """Decide whether the platform composes replies now."""
    inputs = {"platform_ai_stopped": snapshot.platform_ai_stopped}
    if snapshot.platform_ai_stopped:
        return block(Guard.PLATFORM_AI, "soft", "Automatic replies are stopped on the platform.", inputs)
    return allow(Guard.PLATFORM_AI, "The platform composes replies.", inputs)
