"""Bots as documents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.changes import LEFT_OUT, Given
from domain.clients.bots import LONGEST_GREETING, MOST_ORIGINS

Name = Annotated[str, Field(min_length=1, max_length=200, examples=["Harbor Plumbing"])]
Greeting = Annotated[str, Field(max_length=LONGEST_GREETING, examples=["Hi! Ask me about our prices."])]
Colour = Annotated[str, Field(pattern="^#[0-9a-fA-F]{6}$", examples=["#0b5fff"])]
Origins = Annotated[
    list[Annotated[str, Field(max_length=300)]],
    Field(
        max_length=MOST_ORIGINS,
        description="Sites on whose pages the bot may stand, as scheme and host; `self` for our own.",
        examples=[["https://www.harbor-plumbing.example"]],
    ),
]


class BotChanges(Given):
    """What is to be another; what is left out stays."""

    name: Name = LEFT_OUT
    greeting: Greeting = LEFT_OUT
    accent_color: Colour = LEFT_OUT
    allowed_origins: Origins = LEFT_OUT
    enabled: bool = LEFT_OUT


class NewBotDocument(BotChanges):
    """A bot to create. Without origins it stands on no page yet."""

    name: Name


class BotDocument(BaseModel):
    """A chat widget of a client."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    client_id: UUID
    name: str
    greeting: str
    accent_color: str
    allowed_origins: list[str]
    enabled: bool
    created_at: datetime
    updated_at: datetime
