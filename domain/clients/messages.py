"""The jobs of this capability."""

from __future__ import annotations

from dataclasses import dataclass

from domain.queue.message import Message, job


@job(kind="clients.carry_out_due", queue="maintenance")
@dataclass(frozen=True, slots=True)
class CarryOutDue(Message):
    """Carry out cancellations whose day has come, and end trials that are over."""
