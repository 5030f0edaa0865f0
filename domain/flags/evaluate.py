"""What a flag is for somebody: pure, and the same in every process.

The first target that fits decides, else the default. A share is drawn by a hash of the flag's name and the subject, so
that the same subject always gets the same answer, a larger share contains a smaller one, and the shares of two flags
have nothing to do with each other. Two targets in a row that share out the same subjects draw by the same number: after
20 percent, a target of 30 percent adds the next 10.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from domain.flags.ports import FlagState, Resolution, Subject, Target

if TYPE_CHECKING:
    from domain.flags.ports import Reason, Value

_WHOLE: Final = float(2**64)
WRONG_TYPE: Final = "What is stored does not fit the flag's type."


def evaluate(state: FlagState, subject: Subject) -> Resolution:
    """Return the value of a flag for a subject, and why."""
    if state.archived:
        return Resolution(None, "disabled")
    for position, target in enumerate(state.targets):
        if _fits(state.key, target, subject):
            reason: Reason = "targeting_match" if target.percentage is None else "split"
            return _resolved(target.value, reason, f"target-{position}", position)
    return _resolved(state.default, "default" if state.targets else "static", "default", None)


def drawn(key: str, subject: str) -> float:
    """Return the number (0 to 100, the end not included) at which a subject joins the growing share of a flag."""
    digest = hashlib.sha256(f"{key}\0{subject}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / _WHOLE * 100


def _resolved(value: Value | None, reason: Reason, variant: str, position: int | None) -> Resolution:
    if value is None:
        return Resolution(None, "error", variant, position, WRONG_TYPE)
    return Resolution(value, reason, variant, position)


def _fits(key: str, target: Target, subject: Subject) -> bool:
    if target.tenant_id is not None and target.tenant_id != subject.tenant_id:
        return False
    if target.client_id is not None and target.client_id != subject.client_id:
        return False
    if target.percentage is None:
        return True
    by = subject.targeting_key or str(subject.client_id or subject.tenant_id or "")
    return bool(by) and drawn(key, by) < target.percentage
