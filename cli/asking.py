"""What commands ask the person at the terminal, and what they say when nobody is there to ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import typer

from cli.failure import NotGivenError


def asking(option: str, question: str) -> Callable[[str | None], str]:
    """Return what makes sure of an option: it is asked for when it was not given.

    What it returns raises NotGivenError when there is no terminal, or no answer.
    """

    def ask(given: str | None) -> str:
        if not (given or "").strip() and _somebody_is_there():
            given = typer.prompt(question)
        if given is None or not given.strip():
            raise NotGivenError(f"Give {option}.")
        return given

    return ask


because: Final = asking("--reason", "Why?")
"""Returns the reason that was given, or asks for it."""
Reason = Annotated[str, typer.Option(help="Why; kept in the audit log.", callback=because)]
"""A reason that a command can't do without. Its default is "", which is never seen: it is asked for."""


def agreed(question: str) -> None:
    """Ask whether to go on, and end the command unless that is so. Raises NotGivenError without a terminal."""
    if not _somebody_is_there():
        raise NotGivenError("Give --yes.")
    typer.confirm(question, abort=True)


def _somebody_is_there() -> bool:
    return typer.get_text_stream("stdin").isatty()
