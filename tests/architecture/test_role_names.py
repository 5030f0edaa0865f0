"""No role's name stands in a condition: what a role may do, its file says alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from config.places import CONFIG
from domain.access.roles.book import read_roles
from tests.support.servers import ROOT

PACKAGES: Final = ("api", "cli", "domain", "jobs", "migrations", "providers", "workers")


def test_no_role_is_compared_with_by_name() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {name}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for node, name in _compared(ast.parse(path.read_text()), _names())
    ]
    assert found == []


def test_comparisons_with_a_role_are_found() -> None:
    code = """
if role == "crew" or "center" in roles or role not in {"warehouse", "other"}:
    pass
match role:
    case "manager" | "other":
        pass
if role.startswith("customer"):
    pass
Grant("super_admin", org)
"""
    found = [name for _, name in _compared(ast.parse(code), _names())]
    assert sorted(found) == ["center", "crew", "customer", "manager", "warehouse"]


def _names() -> frozenset[str]:
    roles = read_roles(CONFIG)
    return frozenset(roles.roles) | frozenset(roles.abstract)


def _compared(tree: ast.AST, names: frozenset[str]) -> Iterator[tuple[ast.expr, str]]:
    """Return each role's name in a comparison, a pattern, or a test of how a text begins or ends."""
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and "with" in node.func.attr:
            parts = node.args
        for part in parts:
            for inner in ast.walk(part):
                if isinstance(inner, ast.Constant) and inner.value in names:
                    yield inner, str(inner.value)
