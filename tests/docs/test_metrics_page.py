"""The page on metrics names every metric that there is, with its kind and labels, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from config import telemetry

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
ROW = re.compile(r"^\| `(gatehouse_\w+)` \| (\w+) \|([^|]*)\| [^|]{10,} \|$", re.MULTILINE)


def test_the_page_tells_every_metric_with_its_kind_and_labels() -> None:
    told = {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in ROW.findall(PAGE)}
    metrics = [value for value in vars(telemetry).values() if isinstance(value, MetricWrapperBase)]
    there_are = {
        metric._name + ("_total" if metric._type == "counter" else ""): (metric._type, metric._labelnames)
        for metric in metrics
    }
    assert told == there_are
