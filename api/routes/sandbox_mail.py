"""The sandbox mailbox: to read, in the browser, what would have been sent by e-mail. Hidden in production."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from api.access.requires import Access, requires
from api.deps import RequireDevelopment, SettingsDep
from api.errors import ProblemError
from api.pages import page
from api.sandbox.mail import SHOWN, latest_mail, one_mail

if TYPE_CHECKING:
    from providers.sandbox.models import SandboxMail

router = APIRouter(dependencies=[RequireDevelopment], include_in_schema=False)
Using = Annotated[Access, requires("sandbox.use")]

# The letter of a stranger: it runs nothing, loads nothing, sends nothing, and stands in our own page alone.
_LETTER_POLICY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


@router.get("/dashboard/sandbox/mail")
def mailbox(request: Request, settings: SettingsDep, access: Using) -> Response:
    """List the latest e-mails."""
    for_real = settings.email_provider != "sandbox" and not settings.demo_safe_mode
    with access.scope() as session:
        letters = latest_mail(session)
    return page("sandbox_mail.html", request=request, letters=letters, most=SHOWN, for_real=for_real, sandbox=True)


@router.get("/dashboard/sandbox/mail/{attempt_id}")
def letter(request: Request, attempt_id: UUID, access: Using) -> Response:
    """Show one e-mail: who wrote to whom, its text, and its HTML in a frame of its own."""
    found = _found(access, attempt_id)
    link = found.headers.get("List-Unsubscribe", "").strip("<>")
    return page(
        "sandbox_letter.html",
        request=request,
        letter=found,
        unsubscribe=link if link.startswith(("https://", "http://")) else None,
        sandbox=True,
    )


@router.get("/dashboard/sandbox/mail/{attempt_id}/html")
def letter_html(attempt_id: UUID, access: Using) -> Response:
    """Return the HTML of one e-mail, under a policy that leaves it nothing but to be seen."""
    html = _found(access, attempt_id).html_body
    if html is None:
        raise ProblemError(404, "This e-mail has no HTML.")
    return HTMLResponse(html, headers={"content-security-policy": _LETTER_POLICY})


def _found(access: Access, attempt_id: UUID) -> SandboxMail:
    with access.scope() as session:
        found = one_mail(session, attempt_id)
    if found is None:
        raise ProblemError(404, "There is no such e-mail.")
    return found
