"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """`rounds` of each contender, in turn; `scale` shrinks what takes long to prepare (backlog and history)."""

    rounds: int = 3
    scale: float = 1.0
