"""Secrets are compared as digests of one length, so that neither how much is right nor how long it is shows in time.

Measuring that would be a coin toss on a busy machine. Instead these tests hold the code to the one comparison that
takes the same time by construction.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PLACES: Final = {
    "api/access/admin_token.py": {"accepts", "is_mark"},
    "domain/access/key_use.py": {"identify"},
    "api/twilio_signature.py": {"verify"},
}


def calls(tree: ast.AST) -> list[str]:
    return [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", sorted(PLACES))
def test_these_compare_in_constant_time(path: str) -> None:
    tree = ast.parse((ROOT / path).read_text())
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for name in PLACES[path]:
        assert "hmac.compare_digest" in calls(functions[name]), f"{path}: {name}"


def test_an_admin_token_of_another_length_is_compared_as_long() -> None:
    source = (ROOT / "api/access/admin_token.py").read_text()
    assert "hmac.compare_digest(_digest(token), _digest(expected))" in source
