"""`python -m benchmarks.chaos_rivals`: the same faults against Gatehouse and the rivals, as one table."""

from __future__ import annotations

import argparse
import signal
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.chaos_rivals.rivals import WORKERS, Rival
from tests.chaos import report
from tests.chaos.gatehouse import Gatehouse
from tests.chaos.run import Order, Outcome, Run
from tests.chaos.schedule import KINDS, schedule
from tests.chaos.stage import Build, raised, scratch

NAMES: Final[dict[str, tuple[str, Build]]] = {
    "Gatehouse": ("", Gatehouse),
    **{name.removesuffix("_app"): (f"benchmarks/chaos_rivals/{name}.py", partial(Rival, name)) for name in WORKERS},
}
_OURS_ALONE: Final = ("scheduler", "disk", "clock", "deploy", "30 s", "minutes")
"""Kinds that strike what the rivals don't have, or take too long to be repeated four times."""
SETTLE_SECONDS: Final = 180.0


def main() -> int:
    """Run them one after the other; exit status 0 when all runs came to their end."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos_rivals", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of {', '.join(NAMES)}; all when none is given")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--messages", type=int, default=1_000)
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--report", action="store_true", help="write the table to docs/reliability.md")
    parser.add_argument("--keep", type=Path, help="copy logs and ledgers below this directory")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    kinds = [kind for kind in KINDS if not any(word in kind.name for word in _OURS_ALONE)]
    order = Order(
        given.seed,
        given.messages,
        schedule(given.seed, given.faults, kinds, alone=False),
        minutes=0,
        scripted=False,
        settle_seconds=SETTLE_SECONDS,
    )
    for each in order.rounds:
        say(report.planned(each))
    outcomes = {name: _run(name, order, given.keep) for name in given.names or NAMES}
    lines = _table(order, outcomes)
    for line in lines:
        say(line)
    if given.report:
        report.insert(report.PAGE, "rivals", lines)
    return 0


def _run(name: str, order: Order, keep: Path | None) -> Outcome:
    with scratch("gatehouse-rival-") as directory:
        try:
            with raised(order.seed, directory, NAMES[name][1]) as stage:
                return Run(order, stage, lambda line: say(f"{name}: {line}")).run()
        finally:
            if keep:
                report.keep(directory, keep / name)


def _table(order: Order, outcomes: dict[str, Outcome]) -> list[str]:
    command = f"python -m benchmarks.chaos_rivals --report --seed {order.seed} --messages {order.messages}"
    struck = sum(len(each.faults) for each in order.rounds)
    lines = [
        f"`{command} --faults {struck}`, {datetime.now(UTC).date().isoformat()}. Not answered: accepted with a 2xx, and"
        f" {order.settle_seconds / 60:.0f} minutes after the last text still nowhere.",
        "",
        "| program | accepted | answered | not answered | sent twice | waiting for a person |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, outcome in outcomes.items():
        account = outcome.account
        shown = f"[{name}](../{NAMES[name][0]})" if NAMES[name][0] else name
        lines.append(
            f"| {shown} | {account.owed:,} | {account.answered:,} | {len(account.lost)} | {len(account.duplicated)}"
            f" | {len(account.person)} |"
        )
    return lines


def say(line: str) -> None:
    """Print a line with the time."""
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
