"""Kill switches are read by the gate alone, so that no other code decides what may leave."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from domain.flags.definitions import DEFINITIONS
from tests.support.servers import ROOT

_SWITCHES = {key for key, definition in DEFINITIONS.items() if definition.kind == "kill_switch"}
_NAMES = {"OUTBOUND_STOPPED", "AI_STOPPED"}
_PACKAGES = ("api", "cli", "config", "domain", "jobs", "migrations", "providers", "workers")


def _named(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and node.value in _SWITCHES:
            yield str(node.value)
        elif isinstance(node, ast.Name) and node.id in _NAMES:
            yield node.id


def test_the_platforms_switches_are_read_by_the_gate_alone() -> None:
    files = [path for package in _PACKAGES for path in (ROOT / package).rglob("*.py")]
    readers = {str(path.relative_to(ROOT)) for path in files if any(_named(path.read_text()))}
    assert readers == {"domain/flags/definitions.py", "domain/gate/snapshot.py"}
