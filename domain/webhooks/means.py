"""What calling endpoints needs."""

from __future__ import annotations

from dataclasses import dataclass

from domain.kernel.clock import Clock
from domain.webhooks.ports import Sealer, WebhookCaller


@dataclass(frozen=True, slots=True)
class WebhookMeans:
    """Somebody who calls, somebody who keeps the secrets that calls are signed with, and the time."""

    caller: WebhookCaller
    sealer: Sealer
    clock: Clock
