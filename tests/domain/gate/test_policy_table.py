"""The whole table: every combination of switches and states, asked of every guard.

What is expected is written down below, cell by cell, in the words of an operator; nothing here computes what a guard
would. Each row is one thing that may stand in the way. A cell says what it does to the guard at the head of the column:
`H` is a hard block, `S` a soft one; the letter after it is the guard that the decision names. The rows stand in the
order in which they win.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Any, Final

from domain.gate.guards import RULE_VERSION, Guard
from domain.gate.policy import RULES
from domain.gate.snapshot import Snapshot
from tests.domain.gate.snapshots import DAY, NIGHT, NOON, with_fields

TABLE: Final = """
                    | org can bil out cmp res sms boo not per ai  | message booking alert
org suspended       | Ho  .   .   .   .   Ho  Ho  .   Ho  .   .   | Ho      Ho      Ho
left, status stale  | .   Hc  .   .   .   Hc  Hc  .   Hc  .   .   | Hc      Hc      Hc
left, and canceled  | .   Hc  Hb  .   .   Hc  Hc  .   Hc  .   .   | Hc      Hc      Hc
archived            | .   Hc  .   .   .   Hc  Hc  .   Hc  .   .   | Hc      Hc      Hc
trial over          | .   .   Hb  .   .   Hb  Hb  .   Hb  .   .   | Hb      Hb      Hb
platform stopped    | .   .   .   Ht  .   .   Ht  .   Ht  .   .   | Ht      Ht      Ht
outbound paused     | .   .   .   .   .   .   Hs  .   Hn  .   .   | Hs      Hs      Hn
opted out           | .   .   .   .   .   .   Hs  .   .   .   .   | Hs      Hs      .
alerts paused       | .   .   .   .   .   .   .   .   Hn  .   .   | .       .       Hn
person answers      | .   .   .   .   .   .   .   .   .   Hp  .   | Hp      Hp      .
not onboarded       | .   .   .   .   .   Sr  .   Sk  .   .   .   | Sr      Sr      .
quiet, not asked    | .   .   .   .   .   .   Ss  .   .   .   .   | .       .       .
platform ai stopped | .   .   .   .   Si  .   .   .   .   .   Si  | Si      .       .
ai disabled         | .   .   .   .   .   .   .   .   .   .   Sa  | Sa      .       .
no booking          | .   .   .   .   .   .   .   Sk  .   .   .   | .       Sk      .
no booking address  | .   .   .   .   .   .   .   Sk  .   .   .   | .       Sk      .
"""

COLUMNS: Final = (
    Guard.ORGANIZATION_ACTIVE,
    Guard.NOT_CANCELLED,
    Guard.BILLING_IN_ORDER,
    Guard.PLATFORM_OUTBOUND,
    Guard.PLATFORM_AI,
    Guard.CAN_RESPOND_TO_CUSTOMER,
    Guard.CAN_SEND_SMS,
    Guard.CAN_SEND_BOOKING_LINK,
    Guard.CAN_SEND_NOTIFICATION,
    Guard.NOT_TAKEN_OVER,
    Guard.SHOULD_USE_AI,
    Guard.CAN_PROCESS_CUSTOMER_MESSAGE,
    Guard.CAN_PROCESS_BOOKING_REQUEST,
    Guard.CAN_PROCESS_NOTIFICATION_REQUEST,
)
NAMED: Final = dict(
    zip("ocbtirsknpa", COLUMNS[:11], strict=True),
)
WEIGHTS: Final = {"H": "hard", "S": "soft"}

# Each state that a field can be in, and the row of the table that it is, if any.
STATES: Final[list[list[tuple[str | None, dict[str, Any]]]]] = [
    [(None, {}), ("org suspended", {"org_active": False})],
    [
        (None, {}),
        ("left, status stale", {"cancels_at": NOON}),
        ("left, and canceled", {"billing_status": "canceled", "cancels_at": NOON - timedelta(days=1)}),
        ("archived", {"archived_at": NOON - timedelta(days=1)}),
        ("trial over", {"billing_status": "trial", "payment_active": False, "trial_ends_at": NOON}),
    ],
    [(None, {}), ("platform stopped", {"platform_outbound_stopped": True})],
    [(None, {}), ("platform ai stopped", {"platform_ai_stopped": True})],
    [(None, {}), ("outbound paused", {"outbound_paused": True})],
    [(None, {}), ("opted out", {"recipient_opted_out": True})],
    [(None, {}), ("alerts paused", {"notifications_paused": True})],
    [(None, {"taken_over_until": NOON}), ("person answers", {"taken_over_until": NOON + timedelta(seconds=1)})],
    [(None, {}), ("not onboarded", {"onboarding_complete": False})],
    [
        (None, {"quiet_hours": NIGHT}),
        (None, {"quiet_hours": NIGHT, "direct_reply": True}),
        (None, {"quiet_hours": DAY, "direct_reply": True}),
        ("quiet, not asked", {"quiet_hours": DAY}),
    ],
    [(None, {}), ("ai disabled", {"ai_disabled": True})],
    [
        (None, {}),
        (None, {"booking_mode": "capture", "booking_url": None}),
        ("no booking", {"booking_mode": "none"}),
        ("no booking address", {"booking_url": None}),
    ],
]


def _cells() -> dict[str, dict[Guard, str]]:
    cells = {}
    for line in TABLE.strip("\n").splitlines()[1:]:
        row, *groups = line.split("|")
        values = " ".join(groups).split()
        cells[row.strip()] = dict(zip(COLUMNS, values, strict=True))
    return cells


def _combinations() -> Iterator[tuple[list[str], Snapshot]]:
    for combination in product(*STATES):
        in_force = [row for row, _ in combination if row is not None]
        yield in_force, with_fields(*(fields for _, fields in combination))


def test_every_row_of_the_table_occurs() -> None:
    rows = {row for states in STATES for row, _ in states if row is not None}
    assert rows == set(_cells())
    assert set(COLUMNS) == set(Guard) == set(RULES)


def test_every_combination_of_switches_is_decided_as_the_table_says() -> None:
    cells = _cells()
    order = list(cells)
    asked = 0
    for in_force, snapshot in _combinations():
        for guard in COLUMNS:
            effects = [cells[row][guard] for row in sorted(in_force, key=order.index)]
            winner = next((e for e in effects if e[0] == "H"), None) or next((e for e in effects if e[0] == "S"), None)
            expected = (None, guard) if winner is None else (WEIGHTS[winner[0]], NAMED[winner[1]])
            decision = RULES[guard](snapshot)
            assert (decision.block, decision.guard) == expected, (guard, in_force, decision)
            assert decision.allowed is (winner is None)
            if winner is not None:
                assert decision.inputs.get("asked", guard) == guard
            asked += 1
    assert asked == 40960 * len(COLUMNS)


def test_the_rules_change_only_together_with_their_version() -> None:
    # Log rows are explained by their rule version. When this fails: raise RULE_VERSION, and write down the new digest.
    outcomes = hashlib.sha256()
    for _, snapshot in _combinations():
        for guard in COLUMNS:
            decision = RULES[guard](snapshot)
            outcomes.update(f"{guard}:{decision.guard}:{decision.outcome};".encode())
    assert (RULE_VERSION, outcomes.hexdigest()[:16]) == ("3", "c698b63a273ea59a")
