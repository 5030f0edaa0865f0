"""The sandbox mailbox: to read, in the browser, what would have been sent by e-mail. Hidden in production."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from api.deps import DatabaseDep, RequireAdmin, RequireDevelopment, SettingsDep
from api.errors import ProblemError
from api.pages import page
from api.sandbox.mail import SHOWN, latest_mail, one_mail

router = APIRouter(dependencies=[RequireDevelopment, RequireAdmin], include_in_schema=False)

# The letter of a stranger: it runs nothing, loads nothing, sends nothing, and stands in our own page alone.
_LETTER_POLICY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


@router.get("/dashboard/sandbox/mail")
def mailbox(settings: SettingsDep, database: DatabaseDep) -> Response:
    """List the latest e-mails."""
    for_real = settings.email_provider != "sandbox" and not settings.demo_safe_mode
    return page("sandbox_mail.html", letters=latest_mail(database), most=SHOWN, for_real=for_real, sandbox=True)


@router.get("/dashboard/sandbox/mail/{attempt_id}")
def letter(attempt_id: UUID, database: DatabaseDep) -> Response:
    """Show one e-mail: who wrote to whom, its text, and its HTML in a frame of its own."""
    found = one_mail(database, attempt_id)
    if found is None:
        raise ProblemError(404, "There is no such e-mail.")
    link = found.headers.get("List-Unsubscribe", "").strip("<>")
    return page(
        "sandbox_letter.html",
        letter=found,
        unsubscribe=link if link.startswith(("https://", "http://")) else None,
        sandbox=True,
    )


@router.get("/dashboard/sandbox/mail/{attempt_id}/html")
def letter_html(attempt_id: UUID, database: DatabaseDep) -> Response:
    """Return the HTML of one e-mail, under a policy that leaves it nothing but to be seen."""
    found = one_mail(database, attempt_id)
    if found is None or found.html_body is None:
        raise ProblemError(404, "There is no such e-mail.")
    return HTMLResponse(found.html_body, headers={"content-security-policy": _LETTER_POLICY})
