"""What this capability needs from outside."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID


class ThreadSignal(Protocol):
    """Tells open chat windows that their conversation has something new. Losing a signal costs a moment."""

    def changed(self, conversation_id: UUID) -> None:
        """Signal a change that is committed. Raises nothing."""
        ...
