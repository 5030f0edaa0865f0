"""Every page that there is, from the routes themselves: a new one is looked at without being listed.

A page below another one takes ids, for which the stage's rows stand. What is no page, and what only stands for another
thing on this stage, is said here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from fastapi.routing import APIRoute

from api.app import ROUTERS

NO_PAGES: Final = frozenset(
    {
        "/",  # leads to the first page
        "/account/invite/{token}",  # its link is used up by whoever opens it
        "/account/reset/{token}",
        "/account/verify/{token}",
        "/dashboard/events",  # a stream
        "/dashboard/keys/made",  # shown once, to whoever has made a key
        "/dashboard/sandbox/mail/{attempt_id}/html",  # a letter, shown within a page
        "/sandbox/events/{client_id}",
        "/sign-in/code",
        "/sign-in/oidc",
        "/sign-in/oidc/callback",
        "/unsubscribe/{token}",
    }
)
"""What is not looked at: streams, and pages that open once, by a letter or after a form."""
SIGNED_OUT: Final = frozenset({"/sign-in", "/account/reset", "/demo/chat"})
"""Pages for everybody, which stand in no shell."""
_ANOTHER_NAME: Final = {("/dashboard/audit/{entry_id}", "entry_id"): "audit_entry_id"}
_PARAMETER: Final = re.compile(r"{(\w+)}")


def page_paths() -> list[str]:
    """Return the paths of all pages, as their routes write them."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    paths = {route.path for route in routes if "GET" in (route.methods or ()) and not route.include_in_schema}
    return sorted(path for path in paths - NO_PAGES if not path.startswith("/api/"))


def filled(path: str, ids: Mapping[str, str]) -> str:
    """Return a path with ids for its parameters. Raises KeyError for one that the stage has nothing for."""
    return _PARAMETER.sub(lambda found: ids[_ANOTHER_NAME.get((path, found[1]), found[1])], path)
