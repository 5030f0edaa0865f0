"""Know every kind of job of this release, also in a process that runs none."""

from __future__ import annotations

import pkgutil
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec

import domain


@lru_cache(maxsize=1)
def load_kinds() -> None:
    """Import the messages of all capabilities: `spec_for` knows a kind once it is declared."""
    for capability in pkgutil.iter_modules(domain.__path__, "domain."):
        name = f"{capability.name}.messages"
        if find_spec(name) is not None:
            import_module(name)
