"""The import contracts hold, and they speak of everything that is there."""

from __future__ import annotations

import tomllib

from importlinter.cli import lint_imports

from tests.support.servers import ROOT

_CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]


def test_the_contracts_are_kept() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


def test_the_contracts_name_every_package() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"benchmarks", "tests"}
    assert set(_CONFIG["root_packages"]) == packages
