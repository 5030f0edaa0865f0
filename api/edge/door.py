"""The door: whose requests go on to the routes. Plain ASGI, and nothing at all for signed webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from api.edge.addresses import AllowedNetworks, counted_as
from api.edge.hosts import Hosts
from api.edge.limiter import Rate
from api.errors import ProblemError
from api.pages import problem_answer
from config.telemetry import UNKNOWN_CALLERS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from api.edge.limiter import Limiter
    from config.settings import Settings

LONGEST_URL: Final = 8 * 1024
_SIGNED: Final = "/webhooks/"
_PROBES: Final = frozenset({"/api/health", "/api/health/ready"})
# For customers of our customers and for mail programs: anybody, anywhere. All else is administration, so a route that
# somebody forgets to name here is closed, not open.
_FOR_ANYBODY: Final = ("/api/widget/", "/widget/", "/demo/", "/unsubscribe/", "/assets/")


def is_administration(path: str) -> bool:
    """Return whether a path is for people and machines with rights, and for those who want to become one of them."""
    return path not in _PROBES and not path.startswith((_SIGNED, *_FOR_ANYBODY))


class Door:
    """Turns away hosts that are not ours, administration from networks that are not allowed, and floods of it."""

    def __init__(self, app: ASGIApp, *, settings: Settings, limiter: Limiter) -> None:
        self._app = app
        self._hosts = Hosts(settings.public_url, settings.allowed_hosts, lenient=not settings.is_production)
        self._allowed = AllowedNetworks(settings.admin_allowed_networks)
        self._behind_proxies = settings.trusted_proxy_hops > 0
        self._limiter = limiter
        self._rate = Rate("address", settings.rates.address)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            path: str = scope["path"]
            if not path.startswith(_SIGNED) and path not in _PROBES:
                try:
                    await self._check(scope, path)
                except ProblemError as problem:
                    await problem_answer(scope, problem)(scope, receive, send)
                    return
        await self._app(scope, receive, send)

    async def _check(self, scope: Scope, path: str) -> None:
        """Raise ProblemError for a request that goes no further."""
        if len(scope.get("raw_path") or path) + len(scope["query_string"]) > LONGEST_URL:
            raise ProblemError(414, f"The address is longer than {LONGEST_URL} bytes.")
        if "\x00" in path or b"%00" in scope["query_string"]:
            raise ProblemError(422, "An address holds a NUL, which no text here does.", kind="invalid-request")
        self._require_host(scope)
        client = scope.get("client")
        if client is None and self._behind_proxies:
            # Whoever is nobody in particular would share limits and rights with all others who are.
            UNKNOWN_CALLERS.inc()
            raise ProblemError(
                400,
                "It can't be told from where this request comes: the proxies in front did not say so. Whoever runs this"
                " installation: they append to X-Forwarded-For, and GATEHOUSE_TRUSTED_PROXY_HOPS is their number.",
                kind="caller",
            )
        if not is_administration(path):
            return
        address = None if client is None else cast("str", client[0])
        if not self._allowed.admit(address):
            raise ProblemError(
                403,
                "The administration side can't be reached from your network. Whoever runs this installation can allow"
                " it in GATEHOUSE_ADMIN_ALLOWED_NETWORKS.",
                kind="network",
            )
        (await self._limiter.count(self._rate, counted_as(address), exact=False)).require()

    def _require_host(self, scope: Scope) -> None:
        given = [value for name, value in scope["headers"] if name == b"host"]
        if len(given) != 1:
            raise ProblemError(400, "A request has to name one host.")
        if not self._hosts.serve(given[0]):
            raise ProblemError(
                421,
                "This host name is not served here. Whoever runs this installation can allow it by"
                " GATEHOUSE_PUBLIC_URL or GATEHOUSE_ALLOWED_HOSTS.",
                kind="host",
            )
