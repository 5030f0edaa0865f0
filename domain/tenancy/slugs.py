"""Which words may name an organization: the first label of its host name (`acme.gatehouse.example`)."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from domain.kernel.errors import InvalidInputError

RESERVED: Final = frozenset(
    {
        # The platform's own host names, or what people would take for them.
        *("www", "api", "app", "admin", "administrator", "dashboard", "platform", "gatehouse", "system", "internal"),
        *("account", "accounts", "auth", "login", "logout", "oauth", "oidc", "sign-in", "signup", "sso"),
        *("assets", "cdn", "docs", "files", "health", "help", "metrics", "security", "static", "status", "support"),
        *("billing", "hooks", "webhook", "webhooks", "widget", "abuse", "hostmaster", "postmaster", "root"),
        # Names that mail servers and browsers look up by themselves.
        *("autoconfig", "autodiscover", "ftp", "imap", "localhost", "mail", "mta-sts", "mx", "ns", "ns1", "ns2"),
        *("pop", "smtp", "wpad"),
        # What every installation keeps for itself.
        *("dev", "local", "none", "preview", "staging", "test"),
    }
)
"""Slugs that no organization may have."""

_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class UnfitSlugError(InvalidInputError):
    """Not a slug: letters a to z, digits and single hyphens within, 2 to 63 of them."""


def check_slug(slug: str) -> str:
    """Return a slug that has the right form. Raises UnfitSlugError.

    Two hyphens in a row are refused, because a label like `xn--…` reads as letters of another alphabet; so is what
    reads as an id, because a command that takes either must not mistake one for the other.
    """
    shortest = 2
    if len(slug) < shortest or _SLUG.fullmatch(slug) is None or "--" in slug:
        raise UnfitSlugError
    try:
        UUID(slug)
    except ValueError:
        return slug
    raise UnfitSlugError("A slug must not look like an id.")


def check_organization_slug(slug: str) -> str:
    """Return a slug that an organization may have. Raises UnfitSlugError."""
    if check_slug(slug) in RESERVED:
        raise UnfitSlugError(f"{slug!r} is kept for the platform itself. Choose another slug.")
    return slug


def slug_of(name: str) -> str:
    """Return a slug for something called `name`; "" when its letters allow none, so that a person has to choose."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].strip("-")
    try:
        return check_slug(words)
    except UnfitSlugError:
        return ""
