"""What is told of a run: on the terminal, in docs/reliability.md between its marks, and in docs/reliability.json."""

from __future__ import annotations

import json
import shutil
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.chaos.account import LATE_AFTER, Account
from tests.chaos.run import Order, Outcome
from tests.chaos.schedule import BY_NAME, Round

_DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = _DOCS / "reliability.md"
FIGURES: Final = _DOCS / "reliability.json"
_SHOWN: Final = 12


def planned(each: Round) -> str:
    """Return a round as it is planned, in one line."""
    faults = "; ".join(
        f"+{one.at:g} s {one.kind}" + (f" for {one.lasts:g} s" if one.lasts else "") for one in each.faults
    )
    return f"plan: round {each.number}: {faults}"


def clean(account: Account) -> bool:
    """Whether nothing was lost, sent twice or sent against an opt-out."""
    return not (
        account.lost or account.duplicated or account.against_opt_out or account.against_brake or account.not_taken_in
    )


def show(order: Order, outcome: Outcome, say: Callable[[str], None]) -> None:
    """Print the figures and, for each of what must not be, whom it struck and what the house says of it."""
    for name, figure in _figures(order, outcome).items():
        say(f"{name}: {figure}")
    account, reasons = outcome.account, outcome.reasons
    for name in (
        "lost",
        "duplicated",
        "against_opt_out",
        "against_brake",
        "not_taken_in",
        "person",
        "suppressed",
        "late",
    ):
        for number in getattr(account, name)[:_SHOWN]:
            why = reasons.person.get(number) or reasons.suppressed.get(number) or reasons.looked_into.get(number, "")
            say(f"  {name}: {number} {why}")


def write(order: Order, outcome: Outcome) -> None:
    """Put the figures into the page and the file beside it."""
    figures = _figures(order, outcome)
    now = datetime.now(UTC).date().isoformat()
    FIGURES.write_text(
        json.dumps(
            {"date": now, "seed": order.seed, "figures": figures, "by_kind": _by_kind(outcome)},
            indent=1,
            ensure_ascii=False,
        )
        + "\n"
    )
    command = f"make chaos SEED={order.seed} MESSAGES={order.messages} FAULTS={len(outcome.struck)}"
    command += f" MINUTES={order.minutes:g}"
    lines = [f"`{command}`, {now}:", "", "| | |", "| --- | --- |"]
    lines += [f"| {name} | {figure} |" for name, figure in figures.items()]
    lines += ["", "| fault | times | recovered after, struck alone | what it is |", "| --- | --- | --- | --- |"]
    for name, kind in sorted(_by_kind(outcome).items()):
        lines.append(f"| {name} | {kind['times']} | {kind['recovered']} | {BY_NAME[name].about} |")
    insert(PAGE, "chaos", lines)


def insert(page: Path, mark: str, lines: Sequence[str]) -> None:
    """Replace what stands between a page's marks of this name."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    text = page.read_text()
    head, _, rest = text.partition(begin)
    tail = rest.partition(end)[2]
    page.write_text(f"{head}{begin}\n" + "\n".join(lines) + f"\n{end}{tail}")


def keep(directory: Path, to: Path) -> None:
    """Copy logs, the ledger and the sender's record of a run."""
    to.mkdir(parents=True, exist_ok=True)
    for file in (*directory.glob("*.log"), *directory.glob("*.jsonl")):
        shutil.copy2(file, to / file.name)


def _figures(order: Order, outcome: Outcome) -> dict[str, str]:
    account = outcome.account
    recovered = sorted(account.recoveries.values())
    minutes = f"{outcome.seconds / 60:.0f} minutes"
    return {
        "texts": f"{account.posted:,} by {order.messages:,} customers in {minutes}",
        "faults": f"{len(outcome.struck)} in {len(outcome.spans)} rounds",
        "accepted (2xx)": f"{account.accepted:,}",
        "to be answered": f"{account.owed:,}",
        "answered": f"{account.answered:,}",
        "**lost**": f"**{len(account.lost)}**",
        "**sent twice**": f"**{len(account.duplicated)}**",
        "**sent against an opt-out**": f"**{len(account.against_opt_out)}**",
        "**sent against a tenant's brake**": f"**{len(account.against_brake)}**",
        "webhooks that never came; taken in from the provider's list": (
            f"{account.withheld}; {account.withheld - len(account.not_taken_in)}"
        ),
        "not answered, waiting for a person": f"{len(account.person)}",
        "dead letters": f"{outcome.reasons.dead_jobs}",
        "deliveries about which a person was asked": f"{outcome.reasons.asked}",
        "decided against (cancelled, suppressed)": f"{len(account.suppressed)}",
        f"later than {LATE_AFTER:.0f} s after acceptance or the faults' end": f"{len(account.late)}",
        "the same after an unknown outcome that had to be looked into": f"{len(account.late_unknown)}",
        "time to the answer": _spread(account.waits),
        "recovery after the end of a round": _spread(recovered),
        "requests that the provider turned away": f"{outcome.turned_away:,}",
        **{f"note {number}": note for number, note in enumerate(outcome.notes, 1)},
    }


def _by_kind(outcome: Outcome) -> dict[str, dict[str, str | int]]:
    times = Counter(one.fault.kind for one in outcome.struck)
    alone: dict[str, list[float]] = defaultdict(list)
    failed = Counter(one.fault.kind for one in outcome.struck if one.note.startswith(("failed", "not done")))
    for span in outcome.spans:
        if len(span.struck) == 1:
            alone[span.struck[0].fault.kind].append(outcome.account.recoveries[span.number])
    return {
        kind: {
            "times": count - failed[kind],
            "recovered": f"{max(alone[kind]):.1f} s" if alone[kind] else "",
        }
        for kind, count in times.items()
    }


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return f"median {statistics.median(ordered):.1f} s, 95 of 100 within {p95:.1f} s, longest {ordered[-1]:.1f} s"
