"""What the jobs of accounts need."""

from __future__ import annotations

from dataclasses import dataclass

from domain.access.ports import Post, Sealer
from domain.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class AccountMeans:
    """Somebody who sends letters, somebody who keeps secrets, the time, and where this installation is on the web."""

    post: Post
    sealer: Sealer
    clock: Clock
    public_url: str
