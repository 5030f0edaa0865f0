"""Somebody who is about to say who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.audit.record import Actor

if TYPE_CHECKING:
    from fastapi import Request


def visitor_of(request: Request) -> Actor:
    """Return where a request comes from, for the audit log; who it is, whoever checks that puts in."""
    return Actor(
        name="visitor",
        role="none",
        ip=request.client.host if request.client else None,
        user_agent=request.headers.get("user-agent"),
        request_id=getattr(request.state, "request_id", None),
    )
