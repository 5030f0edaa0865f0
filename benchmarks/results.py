"""What a measure found: our figure, the baseline's, and whether the aim is met."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

Rounds = Mapping[str, Sequence[float]]
"""The figures of each contender, one a round."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure has to reach: `of` says whether the bound is on the ratio to the baseline or on the figure."""

    of: Literal["ratio", "figure"]
    sense: Literal["at least", "at most"]
    bound: float

    def met(self, figure: float, ratio: float) -> bool:
        """Tell whether the aim is met."""
        value = ratio if self.of == "ratio" else figure
        return value >= self.bound if self.sense == "at least" else value <= self.bound

    def __str__(self) -> str:
        sign = "≥" if self.sense == "at least" else "≤"
        return f"{sign} {self.bound:g}{' x' if self.of == 'ratio' else ''}"


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table. `ours` and `baseline` hold a figure for each round; `note` says what else was seen."""

    measure: str
    unit: str
    ours: Sequence[float]
    baseline_name: str = ""
    baseline: Sequence[float] = ()
    aim: Aim | None = None
    note: str = ""

    @property
    def figure(self) -> float:
        """Our median."""
        return statistics.median(self.ours)

    @property
    def ratio(self) -> float:
        """Our median over the baseline's; not a number without a baseline."""
        base = statistics.median(self.baseline) if self.baseline else 0.0
        return self.figure / base if base else float("nan")

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None when there is none."""
        return None if self.aim is None else self.aim.met(self.figure, self.ratio)

    @property
    def spread(self) -> float:
        """How far the rounds lie apart, as a share of the median: the noise of this run."""
        figures = [list(self.ours), list(self.baseline)] if self.baseline else [list(self.ours)]
        return max(((max(f) - min(f)) / abs(statistics.median(f)) if statistics.median(f) else 0.0) for f in figures)


def at_least(bound: float) -> Aim:
    """Our figure has to be at least `bound` times the baseline's."""
    return Aim("ratio", "at least", bound)


def at_most(bound: float) -> Aim:
    """Our figure may be at most `bound` times the baseline's."""
    return Aim("ratio", "at most", bound)


def below(bound: float) -> Aim:
    """Our figure may be at most `bound`, in its unit."""
    return Aim("figure", "at most", bound)


def alternate(rounds: int, contenders: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Measure the contenders in turn, `rounds` times, so that a busy minute of the machine meets all of them."""
    figures: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name, measure in contenders.items():
            figures[name].append(measure())
            print(f"    round {number + 1}: {name}: {figures[name][-1]:,.4g}", flush=True)
    return figures


def show(results: Sequence[Result]) -> None:
    """Print the table."""
    table = Table(title="Medians; the spread is (highest - lowest) / median of the noisier side")
    for column in ("measure", "ours", "baseline", "", "ratio", "aim", "", "spread"):
        table.add_column(column, justify="left" if column == "measure" else "right", no_wrap=column != "measure")
    for result in results:
        base = f"{statistics.median(result.baseline):,.4g}" if result.baseline else ""
        table.add_row(
            f"{result.measure} ({result.unit})" + (f"\n  {result.note}" if result.note else ""),
            f"{result.figure:,.4g}",
            base,
            result.baseline_name,
            f"{result.ratio:.2f}" if result.baseline else "",
            "" if result.aim is None else str(result.aim),
            {None: "", True: "met", False: "NOT MET"}[result.met],
            f"{result.spread:.0%}",
        )
    Console(width=150).print(table)


def save(results: Sequence[Result], path: Path, circumstances: Mapping[str, object]) -> None:
    """Write everything to a file, replacing the lines of the same measures and keeping the others."""
    known = json.loads(path.read_text())["results"] if path.exists() else []
    fresh = [
        {
            "measure": r.measure,
            "unit": r.unit,
            "ours": list(r.ours),
            "median": r.figure,
            "baseline_name": r.baseline_name,
            "baseline": list(r.baseline),
            "ratio": r.ratio if r.baseline else None,
            "aim": None if r.aim is None else str(r.aim),
            "met": r.met,
            "note": r.note,
            **circumstances,
        }
        for r in results
    ]
    replaced = {(line["measure"], line["baseline_name"]) for line in fresh}
    kept = [line for line in known if (line["measure"], line["baseline_name"]) not in replaced]
    path.write_text(json.dumps({"results": kept + fresh}, indent=1, ensure_ascii=False) + "\n")
