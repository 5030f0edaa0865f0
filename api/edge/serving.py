"""How uvicorn serves the application."""

from __future__ import annotations

from typing import Any, Final

from api.edge.protocol import LARGEST_HEAD, BoundedProtocol

GRACE_SECONDS: Final = 10
"""How long requests under way may take after SIGTERM; open event streams are cut then."""
KEEP_ALIVE_SECONDS: Final = 65
"""Longer than the 60 s of common load balancers, so that it is they who close an idle connection."""
BACKLOG: Final = 2048
"""Connections that the system holds while all processes are busy."""


def server_options() -> dict[str, Any]:
    """Return what is the same wherever the application is served."""
    return {
        "http": BoundedProtocol,
        "ws": "none",  # No route speaks it.
        "log_config": None,
        "access_log": False,  # The edge writes its own line, with the route in place of the address.
        "server_header": False,
        "proxy_headers": False,  # The edge counts hops itself: GATEHOUSE_TRUSTED_PROXY_HOPS.
        "h11_max_incomplete_event_size": LARGEST_HEAD,
        "backlog": BACKLOG,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": GRACE_SECONDS,
    }
