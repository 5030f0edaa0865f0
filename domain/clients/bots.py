"""The chat widgets of a client."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypedDict
from uuid import UUID

from sqlalchemy import func, select

from domain.audit.record import Act, Actor, record
from domain.clients.errors import UnfitClientError
from domain.clients.locking import check_version, locked_client
from domain.clients.models import Bot
from domain.clients.origins import fit_origin
from domain.clients.words import fit_text
from domain.kernel.errors import ConflictError, NotFoundError
from domain.kernel.ids import new_id
from domain.tenancy.words import fit_name

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MOST_BOTS: Final = 20
"""Of one client."""
MOST_ORIGINS: Final = 50
LONGEST_GREETING: Final = 500
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")


class BotNotFoundError(NotFoundError):
    """There is no such bot."""


class TooManyBotsError(ConflictError):
    """The client has as many bots as it may have. Use one that it has."""


class GivenBot(TypedDict, total=False):
    """A bot as a person gives it; what is left out stays, or has the default. `accent_color`: #rrggbb."""

    name: str
    greeting: str
    accent_color: str
    allowed_origins: Sequence[str]
    enabled: bool


def list_bots(session: Session, client_id: UUID) -> Sequence[Bot]:
    """Return a client's bots, the oldest first."""
    return session.scalars(select(Bot).where(Bot.client_id == client_id).order_by(Bot.id)).all()


def get_bot(session: Session, client_id: UUID, bot_id: UUID) -> Bot:
    """Return a bot of a client. Raises BotNotFoundError."""
    found = session.scalar(select(Bot).where(Bot.id == bot_id, Bot.client_id == client_id))
    if found is None:
        raise BotNotFoundError
    return found


def create_bot(session: Session, client_id: UUID, given: GivenBot, actor: Actor) -> Bot:
    """Give a client a bot, on record. Pages can have it within seconds.

    Raises ClientNotFoundError, ArchivedError, TooManyBotsError, UnfitNameError, UnfitClientError.
    """
    if "name" not in given:
        raise UnfitClientError("A bot needs a name.")
    fit = _fit(given)
    client = locked_client(session, client_id)
    count = session.scalar(select(func.count()).where(Bot.client_id == client_id)) or 0
    if count >= MOST_BOTS:
        raise TooManyBotsError
    bot = Bot(id=new_id(), org_id=client.org_id, client_id=client_id, **fit)
    session.add(bot)
    session.flush()
    session.refresh(bot)
    _audit(session, actor, "bot.created", bot, None, fit)
    return bot


def change_bot(
    session: Session, client_id: UUID, bot_id: UUID, given: GivenBot, actor: Actor, *, version: datetime | None = None
) -> Bot:
    """Change a bot, on record; pages see it within seconds. One that is not enabled answers nowhere.

    Raises ClientNotFoundError, ArchivedError, BotNotFoundError, ChangedMeanwhileError (`version`: the bot's
    `updated_at`), UnfitNameError, UnfitClientError.
    """
    fit = _fit(given)
    locked_client(session, client_id)
    bot = get_bot(session, client_id, bot_id)
    check_version(bot.updated_at, version)
    before = {name: getattr(bot, name) for name in fit}
    changed = {name: value for name, value in fit.items() if value != before[name]}
    if changed:
        for name, value in changed.items():
            setattr(bot, name, value)
        session.flush()
        session.refresh(bot)
        _audit(session, actor, "bot.changed", bot, {name: before[name] for name in changed}, changed)
    return bot


def _fit(given: GivenBot) -> dict[str, Any]:
    fit: dict[str, Any] = {}
    if "name" in given:
        fit["name"] = fit_name(given["name"])
    if "greeting" in given:
        fit["greeting"] = fit_text(given["greeting"], "greeting", LONGEST_GREETING, lines=True) or ""
    if "accent_color" in given:
        fit["accent_color"] = given["accent_color"].lower()
        if _COLOUR.fullmatch(fit["accent_color"]) is None:
            raise UnfitClientError("Write the colour as # and six digits or letters from a to f, as in #0b5fff.")
    if "allowed_origins" in given:
        fit["allowed_origins"] = sorted({fit_origin(origin) for origin in given["allowed_origins"]})
        if len(fit["allowed_origins"]) > MOST_ORIGINS:
            raise UnfitClientError(f"A bot may stand on {MOST_ORIGINS} sites at most.")
    if "enabled" in given:
        fit["enabled"] = given["enabled"]
    return fit


def _audit(
    session: Session, actor: Actor, action: str, bot: Bot, before: dict[str, Any] | None, after: dict[str, Any]
) -> None:
    org_id, client_id = bot.org_id, bot.client_id
    act = Act(action, "bot", str(bot.id), before=before, after=after, org_id=org_id, client_id=client_id)
    record(session, actor, act)
