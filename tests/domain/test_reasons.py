"""Wherever a reason is asked for, blanks are none: whoever reads the audit log finds out why."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from uuid import UUID

import pytest

from domain.access.api_keys import revoke_key
from domain.access.roles.documents import OverrideDocument
from domain.access.roles.overrides import remove_override, set_override
from domain.access.second_factor_setup import remove_of
from domain.access.users import disable_user
from domain.access.view_as import View, start_view
from domain.audit import queue
from domain.clients.archive import archive_client
from domain.clients.billing import take_step
from domain.clients.lifecycle import Step
from domain.clients.switches import Switch, throw_switch
from domain.deadletters import operations
from domain.deadletters.edit import edit
from domain.delivery.resolve import Resolution, resolve_delivery
from domain.flags.change import Change, NewFlag, archive_flag, change_flag, create_flag
from domain.flags.revert import revert_flag
from domain.kernel.clock import ManualClock
from domain.kernel.reasons import LONGEST_REASON, ReasonMissingError, fit_reason, fit_reason_given
from domain.maintenance.ask import ask_now
from domain.queue.dead import DeadFilter
from domain.tenancy.suspend import suspend_organization
from domain.webhooks.endpoints import disable_endpoint
from domain.webhooks.means import WebhookMeans
from providers.webhooks.caller import HttpWebhooks
from tests.support.people import BOOK, NOW, OPERATOR, SEALER

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.kernel.database import Database

SOME: Final = UUID(int=7)
FLAG: Final = "own.flag"
_VIEW: Final = View(SOME, SOME, None, NOW.replace(minute=5))
_OVERRIDE: Final = OverrideDocument.model_validate({"schema": 1})

MEANS: Final = WebhookMeans(HttpWebhooks(), SEALER, ManualClock(NOW))

Acts = Callable[["Session", str], object]
ASKED: Final[dict[str, Acts]] = {
    "disable a person": lambda s, why: disable_user(s, BOOK, SOME, why, OPERATOR, NOW),
    "revoke a key": lambda s, why: revoke_key(s, SOME, why, OPERATOR, NOW),
    "remove a second factor": lambda s, why: remove_of(s, SOME, OPERATOR, sealer=SEALER, reason=why),
    "view as a client": lambda s, why: start_view(s, OPERATOR, b"", _VIEW, reason=why, now=NOW),
    "narrow a role": lambda s, why: set_override(s, BOOK, "crew", _OVERRIDE, OPERATOR, org_id=SOME, reason=why),
    "restore a role": lambda s, why: remove_override(s, BOOK, "crew", OPERATOR, org_id=SOME, reason=why),
    "make a flag": lambda s, why: create_flag(
        s, NewFlag("another.flag", "boolean", default=False, about="Ours."), OPERATOR, reason=why
    ),
    "change a flag": lambda s, why: change_flag(s, FLAG, Change(default=True), OPERATOR, reason=why),
    "archive a flag": lambda s, why: archive_flag(s, FLAG, OPERATOR, reason=why),
    "revert a flag": lambda s, why: revert_flag(s, FLAG, 1, OPERATOR, reason=why),
    "suspend an organization": lambda s, why: suspend_organization(s, SOME, why, OPERATOR),
    "archive a client": lambda s, why: archive_client(s, SOME, why, OPERATOR),
    "throw a switch": lambda s, why: throw_switch(s, SOME, Switch.AI, OPERATOR, stopped=True, reason=why),
    "take a step of billing": lambda s, why: take_step(s, SOME, Step.ACTIVATE, OPERATOR, reason=why),
    "pause a queue": lambda s, why: queue.pause_queue(s, "default", why, OPERATOR),
    "drain a queue": lambda s, why: queue.drain_queue(s, "default", why, OPERATOR),
    "resume a queue": lambda s, why: queue.resume_queue(s, "default", OPERATOR, why),
    "run maintenance": lambda s, why: ask_now(s, "access.sweep", why, OPERATOR),
    "requeue dead letters": lambda _s, why: operations.Request("requeue", DeadFilter(), why),
    "edit a dead letter": lambda s, why: edit(s, SOME, {}, reason=why, actor=OPERATOR),
    "stop an operation": lambda s, why: operations.cancel(s, SOME, OPERATOR, why),
    "decide about a delivery": lambda s, why: resolve_delivery(s, SOME, Resolution("sent", why), OPERATOR),
    "switch an endpoint off": lambda s, why: disable_endpoint(s, SOME, why, MEANS, OPERATOR),
}


@pytest.mark.integration
@pytest.mark.parametrize("act", ASKED)
def test_a_reason_that_says_nothing_is_refused(database: Database, act: str) -> None:
    with database.platform_scope() as session:
        create_flag(session, NewFlag(FLAG, "boolean", default=False, about="Ours."), OPERATOR)
    for why in ("", " \n\t ", "x" * (LONGEST_REASON + 1), "bell\x07"):
        with database.platform_scope() as session, pytest.raises(ReasonMissingError):
            ASKED[act](session, why)


def test_a_reason_is_kept_without_the_spaces_around_it_and_with_its_lines() -> None:
    assert fit_reason("  They left.\r\nFor good. ") == "They left.\nFor good."
    assert fit_reason_given(None) is None
    assert fit_reason("x" * LONGEST_REASON) == fit_reason_given("x" * LONGEST_REASON)
