"""What each command declares: the permission that the same act takes over HTTP, or why it takes none.

Whoever has an account on the server may run any command. In demo safe mode (GATEHOUSE_DEMO_SAFE_MODE) commands refuse
what can't be undone, as the API does: the permissions that `config/permissions.v1.json` calls destructive.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

from cli.failure import FailureError

P = ParamSpec("P")
R = TypeVar("R")
PERMISSION: Final = "gatehouse_permission"
LOCAL: Final = "gatehouse_local"
"""The names of the attributes under which a command's declaration is found."""


def needs(permission: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare the permission of a command, and refuse it in demo safe mode when that is destructive."""

    def declare(command: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(command)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            refuse_on_demo(permission)
            return command(*args, **kwargs)

        setattr(run, PERMISSION, permission)
        return run

    return declare


def local(why: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare that a command is about this installation itself and so has no permission; `why` says how."""

    def declare(command: Callable[P, R]) -> Callable[P, R]:
        setattr(command, LOCAL, why)
        return command

    return declare


def refuse_on_demo(permission: str) -> None:
    """Raise FailureError when a permission is destructive and this is a demonstration."""
    if not permissions()[permission].get("destructive"):
        return
    from config.settings import load_settings  # noqa: PLC0415 - --help needs none of it

    if load_settings().demo_safe_mode:
        raise FailureError(
            "This is a demonstration, so what can't be undone is turned off. On your own installation it works:"
            " leave GATEHOUSE_DEMO_SAFE_MODE out."
        )


def permissions() -> dict[str, dict[str, Any]]:
    """Return all permissions by name, as their file has them."""
    import json  # noqa: PLC0415 - as above

    from config.places import CONFIG  # noqa: PLC0415

    found: dict[str, dict[str, Any]] = json.loads((CONFIG / "permissions.v1.json").read_text())["permissions"]
    return found
