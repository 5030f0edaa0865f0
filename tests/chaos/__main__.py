"""`python -m tests.chaos`: strike the running house with faults while texts come in; say what was lost or sent twice.

Exit status 1 when anything was lost, sent twice, or sent against an opt-out.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from tests.chaos import report
from tests.chaos.run import Order, Run
from tests.chaos.schedule import BY_NAME, KINDS, schedule
from tests.chaos.stage import raised, scratch


def main() -> int:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="draws customers and faults (default 1)")
    parser.add_argument("--messages", type=int, default=20_000, help="customers who write (default 20000)")
    parser.add_argument("--faults", type=int, default=200, help="how many faults strike (default 200)")
    parser.add_argument("--minutes", type=float, default=30, help="spread the rounds over at least this (default 30)")
    parser.add_argument(
        "--only", action="append", choices=sorted(BY_NAME), metavar="KIND", help="only this kind; again for more"
    )
    parser.add_argument("--report", action="store_true", help="write the figures to docs/")
    parser.add_argument("--keep", type=Path, help="copy logs and ledger to this directory")
    given = parser.parse_args()
    kinds = [BY_NAME[name] for name in given.only] if given.only else KINDS
    order = Order(given.seed, given.messages, schedule(given.seed, given.faults, kinds), given.minutes)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for each in order.rounds:
        say(report.planned(each))
    with scratch("gatehouse-chaos-") as directory:
        try:
            with raised(order.seed, directory) as stage:
                outcome = Run(order, stage, say).run()
        finally:
            if given.keep:
                report.keep(directory, given.keep)
    report.show(order, outcome, say)
    if given.report:
        report.write(order, outcome)
    return 0 if report.clean(outcome.account) else 1


def say(line: str) -> None:
    """Print a line with the time."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
