"""How a client wants things done: `gatehouse clients settings`."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal, cast

import typer

from cli.client_options import NONE, ClientId, given
from cli.failure import FailureError

Minutes = str | None


def settings(  # noqa: PLR0913 - one option for each setting
    client_id: ClientId,
    *,
    quiet_hours: Annotated[
        str | None, typer.Option(help="As in 21:00-08:00, by the clock in the client's time zone; none for none.")
    ] = None,
    alerts_by: Annotated[
        Literal["none", "sms", "email", "both"] | None, typer.Option(help="How the owner is alerted.")
    ] = None,
    alerts_of: Annotated[
        str | None, typer.Option(help="What the owner is told of, as in new_lead,call_back; all for everything.")
    ] = None,
    alert_collapse_minutes: Annotated[
        Minutes, typer.Option(help="For so long alerts are gathered; none for the platform's setting.")
    ] = None,
    takeover_minutes: Annotated[
        Minutes, typer.Option(help="For so long the AI is silent after a person; none for the platform's setting.")
    ] = None,
    sms_validity_minutes: Annotated[
        Minutes, typer.Option(help="A text that is older is not sent; none for no limit.")
    ] = None,
    answer_threshold: Annotated[
        str | None, typer.Option(help="From 0 to 1: a reply less sure asks back; none for the platform's setting.")
    ] = None,
    fallback_text: Annotated[
        str | None, typer.Option(help="Sent when no reply may be composed; none for ours.")
    ] = None,
    call_back_text: Annotated[str | None, typer.Option(help="Offers a call; none for ours.")] = None,
) -> None:
    """Show a client's settings, after changing those that are given."""
    from cli.client_facts import setting_facts  # noqa: PLC0415 - as all below: --help needs none of it
    from cli.output import in_cell  # noqa: PLC0415
    from cli.scopes import operator, platform_scope  # noqa: PLC0415
    from domain.clients.find import organization_of_client  # noqa: PLC0415
    from domain.clients.settings import GivenSettings, change_settings, read_settings  # noqa: PLC0415

    wanted = given(
        alert_collapse_minutes=_number(alert_collapse_minutes, int),
        takeover_minutes=_number(takeover_minutes, int),
        sms_validity_minutes=_number(sms_validity_minutes, int),
        answer_threshold=_number(answer_threshold, float),
        fallback_text=fallback_text,
        call_back_text=call_back_text,
        quiet_hours=_hours(quiet_hours),
    )
    if alerts_by is not None:
        wanted["notification_channel"] = alerts_by
    if alerts_of is not None:
        kinds = [kind.strip() for kind in alerts_of.split(",") if kind.strip()]
        wanted["alert_kinds"] = None if alerts_of == "all" else kinds
    with platform_scope() as session:
        organization_of_client(session, client_id)
        if wanted:
            change_settings(session, client_id, cast("GivenSettings", wanted), operator())
        facts = setting_facts(read_settings(session, client_id))
    for name, value in facts.items():
        typer.echo(f"{name.replace('_', ' '):>24}  {in_cell(value)}")


def _number(text: str | None, kind: type[int | float]) -> int | float | str | None:
    if text is None or text == NONE:
        return text
    try:
        return kind(text)
    except ValueError:
        raise FailureError(f"{text!r} is not a number.") from None


def _hours(text: str | None) -> tuple[time, time] | str | None:
    if text is None or text == NONE:
        return text
    try:
        start, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
    except ValueError:
        raise FailureError("Write quiet hours as in 21:00-08:00.") from None
    return start, end
