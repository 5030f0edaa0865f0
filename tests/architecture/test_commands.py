"""Each command says which permission its act takes over HTTP, so that demo safe mode can't forget one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from typer import Typer

from cli.main import app
from cli.permitted import LOCAL, PERMISSION, permissions


def _commands(group: Typer, path: str = "") -> Iterator[tuple[str, object]]:
    for command in group.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__.rstrip("_").replace("_", "-")
        yield f"{path}{name}", command.callback
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from _commands(inner.typer_instance, f"{path}{inner.name} ")


COMMANDS = dict(_commands(app))


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_declares_its_permission_or_why_it_has_none(name: str) -> None:
    command = COMMANDS[name]
    permission, why = getattr(command, PERMISSION, None), getattr(command, LOCAL, None)
    assert (permission is None) != (why is None), "Declare it with cli.permitted.needs or local."
    assert permission is None or permission in permissions()


def test_every_destructive_permission_that_has_a_command_is_declared_by_one() -> None:
    declared = {getattr(command, PERMISSION, None) for command in COMMANDS.values()}
    destructive = {name for name, said in permissions().items() if said.get("destructive")}
    without_command = {"webhooks.remove", "privacy.erase", "flags.remove"}
    assert destructive - without_command <= declared
