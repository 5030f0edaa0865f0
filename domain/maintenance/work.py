"""Which work is due every so often. All of it may be run at any time, twice, and by several machines at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from domain.access.messages import SweepSessions
from domain.alerts.messages import RecheckReach
from domain.audit.messages import VerifyAudit, VerifyWholeAudit
from domain.clients.messages import CarryOutDue
from domain.conversations.messages import RecoverInbound
from domain.conversations.recover import RECOVERY
from domain.delivery.messages import PollDeliveries, SweepDeliveries
from domain.kernel.errors import NotFoundError
from domain.queue.message import Message
from domain.queue.messages import KeepUp
from domain.webhooks.messages import ResealSecrets

UPKEEP: Final = "queue.upkeep"


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of work that is due every so often.

    `name` is its key in the table `schedules` and the unique key of its job, which runs `message`. `asked`: the
    scheduler asks for it each period; `after_outage`: as well when it starts, and when the database is back after it
    was away. `command`: what the same is called for cron (`gatehouse jobs run`).
    """

    name: str
    every: timedelta
    message: Message
    after_outage: bool = False
    asked: bool = True
    command: str | None = None
    about: str = ""


WORK: Final[Sequence[Work]] = (
    Work("access.sweep", timedelta(minutes=10), SweepSessions(), about="Ends sessions whose time is over."),
    Work(
        "alerts.recheck",
        timedelta(minutes=5),
        RecheckReach(),
        about="Sees whether owners who could not be reached can be reached again.",
    ),
    Work(
        RECOVERY,
        timedelta(hours=1),
        RecoverInbound(),
        after_outage=True,
        command="recover-inbound",
        about="Takes in texts that the provider has and we do not.",
    ),
    Work(
        "clients.carry_out_due",
        timedelta(minutes=1),
        CarryOutDue(),
        after_outage=True,
        command="client-lifecycle",
        about="Carries out cancellations that are due, and ends trials that are over.",
    ),
    Work(
        "delivery.poll",
        timedelta(minutes=10),
        PollDeliveries(),
        about="Asks the provider about deliveries whose receipt is overdue.",
    ),
    Work("delivery.sweep", timedelta(minutes=5), SweepDeliveries(), about="Ends deliveries that have no job any more."),
    Work(
        "audit.verify",
        timedelta(hours=1),
        VerifyAudit(),
        about="Verifies the newest entries of each organization's audit log.",
    ),
    Work(
        "audit.verify_all",
        timedelta(days=1),
        VerifyWholeAudit(),
        asked=False,
        command="audit-verify",
        about="Verifies every entry of the audit log. Only cron asks for it, or you.",
    ),
    Work(
        UPKEEP,
        timedelta(hours=1),
        KeepUp(),
        asked=False,
        command="queue-upkeep",
        about="Makes room for the coming months' attempts and forgets old workers. The scheduler does it itself.",
    ),
    Work(
        "webhooks.reseal",
        timedelta(days=1),
        ResealSecrets(),
        asked=False,
        command="reseal-secrets",
        about="Seals with the present secret key what the one before it sealed. Needed after the key was changed.",
    ),
)
PERIODIC: Final[Sequence[Work]] = [work for work in WORK if work.asked]
"""What the scheduler asks for."""


def work_named(name: str) -> Work:
    """Return work by its name, or by what cron calls it. Raises NotFoundError, naming what there is."""
    for work in WORK:
        if name in {work.name, work.command}:
            return work
    raise NotFoundError(f"There is no schedule {name!r}. There are: {', '.join(work.name for work in WORK)}.")
