"""Which metrics an expression of Prometheus' query language names, and which alarms and panels ask for what."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from tests.support.servers import ROOT

RULES: Final = ROOT / "deploy" / "prometheus" / "rules"
DASHBOARDS: Final = ROOT / "deploy" / "grafana" / "dashboards"
_STRING = re.compile(r'"(?:\\.|[^"\\])*"')
_BRACES = re.compile(r"\{[^}]*\}")
_LABELS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_RANGE = re.compile(r"\[[^\]]*\]|\boffset\s+\w+")
_NAME = re.compile(r"(?<![\w:.])([A-Za-z_:][\w:]*)\b(?!\s*\()")
_WORDS: Final = {"and", "or", "unless", "bool", "inf", "nan", "Inf", "NaN"}


def metrics_of(expression: str) -> set[str]:
    """Return the names of the metrics in an expression, as they are queried (`…_bucket`)."""
    for noise in (_STRING, _BRACES, _LABELS, _RANGE):
        expression = noise.sub(" ", expression)
    return set(_NAME.findall(expression)) - _WORDS


def rules() -> Iterator[dict[str, Any]]:
    """Return every rule, recorded figures and alarms."""
    for path in sorted(RULES.glob("*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """Return every panel that asks something, with its dashboard's name."""
    for path in sorted(DASHBOARDS.glob("*.json")):
        yield from ((path.stem, panel) for panel in json.loads(path.read_text())["panels"] if "targets" in panel)
