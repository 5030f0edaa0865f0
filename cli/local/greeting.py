"""What `gatehouse up` prints once everything answers: where things are, and a text message to try."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

from rich.console import Console

from cli.local.plan import Plan
from cli.local.ports import HOST
from config.settings import Settings

CUSTOMER = "+15005550001"
QUESTION = "What are your opening hours?"


def greet(console: Console, plan: Plan, settings: Settings, seconds: float) -> None:
    """Print the addresses, the administrator's token and a signed webhook as a `curl` line."""
    base = f"http://{HOST}:{plan.port}"
    rows = {
        "Chat page of the demo": f"{base}/demo/chat",
        "Sign in (token below)": f"{base}/sign-in?way=token",
        "Sandbox phone": f"{base}/sandbox, after signing in",
        "Sandbox mailbox": f"{base}/dashboard/sandbox/mail",
        "What happened": f"{base}/dashboard/journeys",
        "API": f"{base}/api/v1, described at {base}/api/openapi.json",
        "Health": f"{base}/api/health/ready",
        "Metrics": ", ".join(f"{role} http://{HOST}:{port}/metrics" for role, port in plan.metrics_ports.items()),
        "Logs": f"tail -f {shlex.quote(str(plan.directory.logs))}/{{api,worker,scheduler}}.log",
    }
    if settings.admin_token:
        rows["Admin token"] = settings.admin_token.get_secret_value()
    console.print(f"\n[bold green]Gatehouse is up[/] after {seconds:.1f} s. Stop it with Ctrl-C.\n")
    width = max(map(len, rows))
    for name, value in rows.items():
        _print_plain(console, f"  {name:{width}}  {value}")
    line = signed_curl(plan.port, settings)
    if line:
        _print_plain(console, "\nText the demo business (a second paste is a repeat, which changes nothing):\n")
        _print_plain(console, line)
        command = os.path.relpath(Path(sys.executable).with_name("gatehouse"))
        _print_plain(
            console, f"\nSee the answer on the sandbox phone, or: {command} demo send 'What does a leak repair cost?'\n"
        )


def _print_plain(console: Console, line: str) -> None:
    """Print a line as it is: one that the terminal broke or coloured could not be copied."""
    console.print(line, soft_wrap=True, markup=False, highlight=False)


def signed_curl(port: int, settings: Settings) -> str | None:
    """Return a `curl` line that posts a customer's text as Twilio would; None without a token to sign with."""
    from twilio.request_validator import RequestValidator  # noqa: PLC0415 - 0.2 s that only this needs

    token = settings.twilio.auth_token
    if token is None:
        return None
    form = {
        "MessageSid": f"SM{uuid4().hex}",
        "AccountSid": settings.twilio.account_sid or f"AC{uuid4().hex}",
        "From": CUSTOMER,
        "To": demo_number(),
        "Body": QUESTION,
        "NumMedia": "0",
    }
    path = "/webhooks/twilio/sms"
    signature = RequestValidator(token.get_secret_value()).compute_signature(f"{settings.public_url}{path}", form)
    command = [
        *("curl", "-i", f"http://{HOST}:{port}{path}"),
        *("-H", f"X-Twilio-Signature: {signature}"),
        *("-d", urlencode(form)),
    ]
    return shlex.join(command)


def demo_number() -> str:
    """Return the telephone number of the demo business."""
    from migrations.seeds.demo import SMS_NUMBER  # noqa: PLC0415 - loaded only when something is printed

    return SMS_NUMBER
