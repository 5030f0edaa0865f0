"""`gatehouse doctor`: look at everything a running system needs, and say what to do about what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.checks import Finding


def doctor(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check everything, and say what to do.

    Looks at settings, PostgreSQL, Redis, the broker, the api, workers and providers. The exit status is 1 when anything
    is wrong.
    """
    from cli.checks import examine  # noqa: PLC0415 - as below: --help needs none of it
    from cli.output import show_json  # noqa: PLC0415

    findings = examine()
    wrong = [finding for finding in findings if finding.remedy]
    if as_json:
        show_json([finding._asdict() for finding in findings])
    else:
        _print(findings)
        typer.echo(f"\n{_plural(len(wrong), 'problem')}." if wrong else "\nAll is well.")
    if wrong:
        raise typer.Exit(1)


def _print(findings: Sequence[Finding]) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415

    console = Console(soft_wrap=True, highlight=False)
    for finding in findings:
        mark = "[red]problem[/red]" if finding.remedy else "[green]ok[/green]     "
        console.print(f"{mark}  [bold]{escape(finding.what)}[/bold]: {escape(finding.found)}")
        if finding.remedy:
            console.print(f"         {escape(finding.remedy)}")


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
