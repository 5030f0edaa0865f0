"""The shapes of files that keep the house readable."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.servers import ROOT

PACKAGES: Final = (
    "api",
    "benchmarks",
    "cli",
    "config",
    "domain",
    "jobs",
    "migrations",
    "providers",
    "tests",
    "workers",
)
LINES: Final = 400
FUNCTION_LINES: Final = 60
FORBIDDEN: Final = {"service.py", "utils.py", "helpers.py", "common.py"}
FILES: Final = {
    str(path.relative_to(ROOT)): path.read_text()
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
PRODUCT: Final = {name: text for name, text in FILES.items() if not name.startswith(("tests", "benchmarks"))}
# Put together here, so that this file is not one of those that it finds.
UNFINISHED: Final = ("TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error")


def test_no_file_is_long() -> None:
    assert len(FILES) > 100
    assert {name: text.count("\n") for name, text in FILES.items() if text.count("\n") > LINES} == {}


def test_no_file_has_a_name_that_attracts_everything() -> None:
    assert [name for name in FILES if Path(name).name in FORBIDDEN] == []


def test_nothing_is_left_for_later() -> None:
    assert [(name, mark) for name, text in FILES.items() for mark in UNFINISHED if mark in text] == []


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, text in FILES.items() if not ast.get_docstring(ast.parse(text))] == []


def test_every_module_with_code_reads_annotations_late() -> None:
    with_code = {name: text for name, text in FILES.items() if len(ast.parse(text).body) > 1}
    assert [name for name, text in with_code.items() if "from __future__ import annotations" not in text] == []


def test_the_initial_file_of_a_package_holds_a_docstring_alone() -> None:
    initial = {name: text for name, text in PRODUCT.items() if name.endswith("__init__.py")}
    with_code = [name for name, text in initial.items() if len(ast.parse(text).body) > 1]
    # The package of the seeds is what each environment's command imports.
    assert with_code == ["migrations/seeds/__init__.py"]


def test_functions_are_short() -> None:
    # A migration is one long list of statements.
    code = {name: text for name, text in PRODUCT.items() if "/versions/" not in name}
    functions = [(name, node) for name, text in code.items() for node in _functions(text)]
    long = {f"{name}: {f.name}" for name, f in functions if (f.end_lineno or 0) - f.lineno >= FUNCTION_LINES}
    assert long == set()


def test_nothing_of_the_product_imports_tests_or_benchmarks() -> None:
    assert {
        (name, imported)
        for name, text in PRODUCT.items()
        for imported in _imported(text)
        if imported.split(".")[0] in {"tests", "benchmarks"}
    } == set()


def _functions(text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _imported(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
