"""What stands around a page: who reads it, the pages that they are offered, in their organization and their colours.

It asks no database: who it is and which organization was found when the request came in, and roles are in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from api.access.browser import cookie_name, known_browser
from api.access.declared import declared_routes
from api.dashboard.viewer import Viewer
from domain.access.roles.hub import Hub, hub_of
from domain.kernel.ids import PLATFORM_ORG_ID

if TYPE_CHECKING:
    from datetime import tzinfo
    from uuid import UUID

    from fastapi import FastAPI, Request

    from api.access.requires import Access
    from domain.access.principal import Principal
    from domain.access.roles.documents import Theme

THEME: Final = "gatehouse-theme"
"""The cookie with the colours that somebody chose for this browser."""
THEMES: Final = frozenset({"light", "dark"})
_FOR_ALL: Final = (("Demo chat", "/demo/chat", "message-2"),)
_SANDBOX: Final = (
    ("Sandbox phone", "/sandbox", "device-mobile"),
    ("Sandbox mailbox", "/dashboard/sandbox/mail", "mailbox"),
    *_FOR_ALL,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A page that is offered; `current`: it, or a page below it, is the one that is shown."""

    label: str
    path: str
    icon: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """What is drawn around the page of somebody who signed in."""

    navigation: tuple[Entry, ...]
    sandbox: tuple[Entry, ...]
    organization: str | None
    """Its name, or words where a page is about none; None for somebody of the platform who sees all of them."""
    roles: str
    theme: Theme | None
    searches: bool
    live: bool
    pages: frozenset[str]
    """The paths that there are, for what is only drawn when it leads somewhere."""


def frame_of(request: Request) -> Frame | None:
    """Return what is drawn around the page that answers a request, None when nobody knows whose it is."""
    access: Access | None = getattr(request.state, "access", None)
    browser = known_browser(request)
    principal = access.principal if access else browser.principal if browser else None
    if principal is None:
        return None
    hub, paths, here = hub_for(request, principal), page_paths(request.app), request.url.path
    offered = [Entry(one.label, one.path, one.icon) for one in hub.navigation if one.path in paths]
    plays = any(one.permission == "sandbox.use" for one in hub.allowed)
    tried = () if request.app.state.settings.is_production else _SANDBOX if plays else _FOR_ALL
    return Frame(
        navigation=_marked(offered, here),
        sandbox=_marked([Entry(*one) for one in tried if one[1] in paths], here),
        organization=_where(request, principal, access),
        roles=", ".join(role.display_name for role in hub.roles),
        # A part that is drawn anew is read by a page that has its colours, and lets no other style of ours in.
        theme=None if "hx-request" in request.headers else hub.theme,
        searches=hub.features.get("search", False) and "/dashboard/search" in paths,
        live=hub.features.get("live_updates", False),
        pages=paths,
    )


def hub_for(request: Request, principal: Principal) -> Hub:
    """Return the hub of whoever asks, in the organization that the request is about; made once a request."""
    if not hasattr(request.state, "hub"):
        access: Access | None = getattr(request.state, "access", None)
        org_id = access.org_id if access else _only_organization(principal)
        request.state.hub = hub_of(request.app.state.roles, principal, org_id)
    found: Hub = request.state.hub
    return found


def may_export(request: Request) -> bool:
    """Whether whoever asks may take lists away as files: a feature of their roles."""
    access: Access | None = getattr(request.state, "access", None)
    return access is not None and hub_for(request, access.principal).features.get("export_csv", False)


def viewer_of(request: Request, token: object) -> Viewer:
    """Return who looks at the page that answers a request."""
    return Viewer(
        query=tuple(request.query_params.multi_items()),
        zone=zone_of(request),
        now=request.app.state.clock.now(),
        token=token,
        exports=may_export(request),
    )


def zone_of(request: Request) -> tzinfo | None:
    """Return the time zone of whoever asks, None when it is not known."""
    browser = known_browser(request)
    name = browser.session.timezone if browser else None
    return _zone(name) if name else None


def theme_of(request: Request) -> str | None:
    """Return which colours the browser was told to have: "light" or "dark", None for those that its system has."""
    chosen = request.cookies.get(cookie_name(request.app.state.settings, THEME))
    return chosen if chosen in THEMES else None


@cache
def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError):  # ZoneInfoNotFoundError is an OSError for some names and a KeyError for others.
        return None
    except KeyError:
        return None


def _where(request: Request, principal: Principal, access: Access | None) -> str | None:
    """Return what the bar says of the organization. Pages about oneself are about none, and ask no database for it."""
    if access and access.organization:
        return access.organization.name
    browser = known_browser(request)
    if access is None and browser is not None and browser.session.chosen_org_id is not None:
        return "The one you chose"
    of_platform = any(grant.org_id == PLATFORM_ORG_ID for grant in principal.grants)
    return None if of_platform else "Your organization"


def _only_organization(principal: Principal) -> UUID | None:
    """Return the organization of somebody who has but one, for pages about themselves."""
    if principal.org_id is not None:
        return principal.org_id
    of_theirs = {grant.org_id for grant in principal.grants} - {PLATFORM_ORG_ID}
    return next(iter(of_theirs)) if len(of_theirs) == 1 else None


def page_paths(app: FastAPI) -> frozenset[str]:
    """Return the paths that can be looked at, as routes write them; found once."""
    if not hasattr(app.state, "page_paths"):
        app.state.page_paths = frozenset(route.path for route in declared_routes(app) if "GET" in route.methods)
    found: frozenset[str] = app.state.page_paths
    return found


def _marked(entries: list[Entry], here: str) -> tuple[Entry, ...]:
    """Return the entries with the one marked that is shown: of several, the longest, which lies below the others."""
    above = [one.path for one in entries if here == one.path or here.startswith(f"{one.path}/")]
    current = max(above, key=len, default=None)
    return tuple(Entry(one.label, one.path, one.icon, one.path == current) for one in entries)
