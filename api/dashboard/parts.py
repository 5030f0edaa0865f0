"""What a part of the overview holds, whatever reads it; `parts.html` draws each by its `shape`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal

from api.dashboard.tables import State, Table


@dataclass(frozen=True, slots=True)
class Series:
    """One line, or one sort of bars. `values` has one for each time; None where there is nothing to say.

    `role` chooses the colour, and `dashed` the line: so that colour is never the only difference.
    """

    label: str
    values: Sequence[float | None]
    role: Literal["good", "bad", "limited", "waiting", "plain", "first", "second"] = "first"
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Something over time. `summary` says in a sentence what there is to see; `unit` stands behind each figure."""

    times: Sequence[datetime]
    series: Sequence[Series]
    summary: str
    unit: str = ""
    bars: bool = False
    shape: ClassVar = "chart"

    @property
    def empty(self) -> bool:
        """Whether nothing happened."""
        return not any(value for series in self.series for value in series.values)

    @property
    def document(self) -> dict[str, Any]:
        """What the script that draws it reads."""
        return {
            "times": [int(at.timestamp()) for at in self.times],
            "series": [
                {"label": one.label, "values": one.values, "role": one.role, "dashed": one.dashed}
                for one in self.series
            ],
            "unit": self.unit,
            "bars": self.bars,
        }


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, what it counts, and where it leads."""

    value: int
    words: str
    href: str | None = None
    tone: str = "plain"
    shape: ClassVar = "figure"


@dataclass(frozen=True, slots=True)
class Rows:
    """A table."""

    table: Table
    shape: ClassVar = "table"


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list."""

    state: State
    words: str
    at: datetime | None = None
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """A list; `empty` says that all is well."""

    items: Sequence[Item] = field(default_factory=tuple)
    empty: str = "Nothing."
    shape: ClassVar = "list"


Part = Chart | Figure | Rows | Items
