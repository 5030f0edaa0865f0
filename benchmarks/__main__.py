"""`python -m benchmarks [names…]`: measure, print one table, write `results.json`."""

from __future__ import annotations

import argparse
import importlib
import os
import time
from pathlib import Path

from benchmarks.plan import Plan
from benchmarks.results import Result, save, show
from benchmarks.stage import raised

MEASURES = (
    "jobs", "enqueue", "pickup", "idle", "ingest", "message", "backlog", "history", "deadletters", "isolation",
    "dashboard", "operators",
)  # fmt: skip
QUICK = Plan(rounds=1, scale=0.01)


def main() -> int:
    """Measure what the command line names; exit status 1 only with --check, when an aim is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"any of {', '.join(MEASURES)}; all when none is given"
    )
    parser.add_argument("--rounds", type=int, default=3, help="alternating rounds of each measure (default 3)")
    parser.add_argument("--scale", type=float, default=1.0, help="size of backlog and history (1: as in the aims)")
    parser.add_argument("--quick", action="store_true", help="one round on little: to see that it runs")
    parser.add_argument("--check", action="store_true", help="exit with status 1 when an aim is missed")
    parser.add_argument("--results", type=Path, default=Path(__file__).with_name("results.json"))
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(MEASURES))
    if unknown:
        parser.error(f"no such measure: {', '.join(unknown)}")
    plan = QUICK if given.quick else Plan(rounds=given.rounds, scale=given.scale)
    results: list[Result] = []
    with raised() as stage:
        for name in given.names or MEASURES:
            started, load = time.monotonic(), os.getloadavg()[0]
            print(f"{name} (load of the machine before: {load:.1f})", flush=True)
            found = importlib.import_module(f"benchmarks.measures.{name}").measure(stage, plan)
            save(found, given.results, {"load_before": round(load, 2), "rounds": plan.rounds, "scale": plan.scale})
            results += found
            print(f"    took {time.monotonic() - started:.0f} s", flush=True)
    show(results)
    return 1 if given.check and any(result.met is False for result in results) else 0


if __name__ == "__main__":
    raise SystemExit(main())
