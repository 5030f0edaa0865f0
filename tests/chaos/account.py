"""The account of a run: what became of each text, by the sender's record and the provider's ledger.

The house's own database is asked only why a text was not answered, never whether one was sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.customers import UNHURRIED, Customer, Script
from tests.chaos.faults import Struck
from tests.chaos.ledger import Taken
from tests.chaos.sender import Posted
from tests.chaos.tenants import BRAKED, tenant_of

LATE_AFTER: Final = 20.0
"""Seconds after acceptance, or after the end of the faults that it met."""
UNDER_WAY: Final = 15.0
"""Seconds that a call to the provider may take which began before an opt-out was accepted."""

LISTED_AFTER: Final = 150.0
"""Seconds after which a text that did not come is looked for, with some to spare."""


@dataclass(frozen=True, slots=True)
class Span:
    """A round of faults as it happened, in seconds since the epoch."""

    number: int
    began: float
    ended: float
    struck: Sequence[Struck]


@dataclass(frozen=True, slots=True)
class Reasons:
    """What the house says: numbers that wait for a person, that it decided not to answer, and whose first try failed.

    Each with the reason in words. `dead_jobs`: dead letters at the end, of any kind; `asked`: deliveries, sent or not,
    about which a person was asked.
    """

    person: Mapping[str, str] = field(default_factory=dict)
    suppressed: Mapping[str, str] = field(default_factory=dict)
    looked_into: Mapping[str, str] = field(default_factory=dict)
    dead_jobs: int = 0
    asked: int = 0


@dataclass
class Account:
    """The figures. Lists hold numbers of customers, for whoever looks into them."""

    posted: int = 0
    accepted: int = 0
    owed: int = 0
    answered: int = 0
    suppressed: list[str] = field(default_factory=list)
    person: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    against_opt_out: list[str] = field(default_factory=list)
    against_brake: list[str] = field(default_factory=list)
    withheld: int = 0
    """Texts that the provider listed long enough before the last look, and whose webhooks never came."""
    not_taken_in: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    late_unknown: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    recoveries: dict[int, float] = field(default_factory=dict)
    """Seconds from the end of each round to when the last text that it had held up was answered."""


def settle(
    customers: Mapping[str, Customer],
    posted: Iterable[Posted],
    taken: Mapping[str, Sequence[Taken]],
    spans: Sequence[Span],
    reasons: Reasons,
    braked: tuple[float, float] | None = None,
    looked_at: float = 0.0,
) -> Account:
    """Return what became of every text.

    `customers` by number; `braked`: when a tenant's brake was pulled, and when let go; `looked_at`: when the
    provider's list was last looked through for texts that had not come.
    """
    account = Account(recoveries={span.number: 0.0 for span in spans})
    by_number: dict[str, list[Posted]] = defaultdict(list)
    for one in posted:
        by_number[one.text.number].append(one)
    for number, texts in by_number.items():
        account.posted += len(texts)
        account.accepted += sum(one.accepted_at is not None for one in texts)
        who = customers[number]
        sent = sorted(taken.get(number, ()), key=lambda one: one.at)
        _consent(account, who, texts, sent)
        if braked is not None and tenant_of(who) == BRAKED:
            account.against_brake += [number for one in sent if braked[0] + UNDER_WAY < one.at < braked[1]]
        if len(sent) > 1:
            account.duplicated += [number] * (len(sent) - 1)
        if who.withheld and texts[0].first_at < looked_at - LISTED_AFTER and not _is_braked(who, texts[0], braked):
            account.withheld += 1
            account.not_taken_in += [] if sent else [number]
        for one in texts:
            if one.text.answered and one.accepted_at is not None:
                account.owed += 1
                _owed(account, who, one.accepted_at, sent, spans, reasons)
    return account


def _is_braked(who: Customer, text: Posted, braked: tuple[float, float] | None) -> bool:
    """Whether a text may have met its tenant's brake whenever it was taken in."""
    return braked is not None and tenant_of(who) == BRAKED and text.first_at < braked[1]


def _consent(account: Account, who: Customer, texts: Sequence[Posted], sent: Sequence[Taken]) -> None:
    """Find what was sent after the customer had opted out."""
    stopped = next((one.accepted_at for one in texts if one.text.body == "STOP"), None)
    if stopped is None:
        return
    until = float("inf")
    if who.script is Script.STOP_START_ASK:
        until = next((one.first_at for one in texts if one.text.body == "START"), until)
    margin = UNDER_WAY if who.script is Script.ASK_STOP else 0.0
    account.against_opt_out += [who.number for one in sent if stopped + margin < one.at < until]


def _owed(
    account: Account, who: Customer, accepted: float, sent: Sequence[Taken], spans: Sequence[Span], reasons: Reasons
) -> None:
    if not sent:
        if who.number in reasons.person:
            account.person.append(who.number)
        elif who.number in reasons.suppressed:
            account.suppressed.append(who.number)
        else:
            account.lost.append(who.number)
        return
    account.answered += 1
    at = sent[0].at
    since, last = _excused(accepted, at, spans)
    account.waits.append(at - accepted)
    if who.temper in UNHURRIED:
        return
    if who.number in reasons.looked_into:
        if at - since > LATE_AFTER:
            account.late_unknown.append(who.number)
        return
    if at - since > LATE_AFTER:
        account.late.append(who.number)
    if last is not None:
        account.recoveries[last.number] = max(account.recoveries[last.number], at - since)


def _excused(accepted: float, at: float, spans: Sequence[Span]) -> tuple[float, Span | None]:
    """Return since when an answer is due: acceptance, or the end of the faults before which it was not late yet."""
    since, last = accepted, None
    for span in spans:
        if since < span.ended and span.began < min(since + LATE_AFTER, at):
            since, last = min(span.ended, at), span
    return since, last
