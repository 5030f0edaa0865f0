"""Take down a visitor who wants to be called back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

from pydantic import UUID4, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from sqlalchemy.exc import OperationalError

from api.errors import ProblemError
from api.widget.chat import without_nul
from domain.kernel.clock import SystemClock
from domain.leads.capture import NewLead, capture_lead

if TYPE_CHECKING:
    from api.widget.bots import ServedBot
    from api.widget.tokens import Pass
    from domain.kernel.database import Database

_SHORT: Final = 200
_LONG: Final = 2_000
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=_SHORT), BeforeValidator(without_nul)]
Long = Annotated[str, StringConstraints(strip_whitespace=True, max_length=_LONG), BeforeValidator(without_nul)]


class LeadForm(BaseModel):
    """What a visitor leaves: a telephone number or an e-mail address, or both, and what it is about."""

    model_config = ConfigDict(extra="forbid")

    name: Short = Field(default="", repr=False)
    phone: Short = Field(default="", repr=False)
    email: Annotated[Short, StringConstraints(max_length=254)] = Field(default="", repr=False)
    message: Long = Field(default="", repr=False)
    idempotency_key: UUID4
    """Made at random for this form; sent again with each repeat of it."""
    conversation_token: Annotated[str, StringConstraints(max_length=512)] | None = Field(default=None, repr=False)


class LeadTaken(BaseModel):
    """The id of what was taken down."""

    lead_id: UUID


def take_lead(database: Database, form: LeadForm, bot: ServedBot, opened: Pass | None) -> LeadTaken:
    """Store a lead and return its id, the same one for a repeat. Raises the errors of `capture_lead`, and 503."""
    new = NewLead(
        org_id=bot.org_id,
        client_id=bot.client_id,
        idempotency_key=str(form.idempotency_key),
        name=form.name,
        phone=form.phone,
        email=form.email,
        message=form.message,
        bot_id=bot.id,
        conversation_id=None if opened is None else opened.conversation_id,
    )
    try:
        with database.tenant_scope(bot.org_id) as session:
            return LeadTaken(lead_id=capture_lead(session, new, now=SystemClock().now()))
    except OperationalError as error:
        raise ProblemError(
            503, "That can't be taken down just now. Please try again in a moment.", headers={"retry-after": "5"}
        ) from error
