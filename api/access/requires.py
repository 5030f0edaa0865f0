"""What a route declares: the permission that it takes, or that it takes none and why."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Request

from api.access.authentication import authenticate
from api.access.browser import known_browser, reporting_in
from api.access.organization import resolve
from api.csrf import SentToken, check_session
from api.deps import DatabaseDep, SettingsDep
from api.errors import ProblemError
from config.telemetry import PERMISSION_DENIALS
from domain.access.authorize import Reach, reach
from domain.audit.record import Actor
from domain.clients.find import ClientNotFoundError, organization_of_client
from domain.kernel.errors import NotFoundError
from domain.tenancy.resolve import ResolvedOrganization

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from api.edge.quotas import Quotas
    from domain.access.authorize import RoleBook
    from domain.access.principal import Principal
    from domain.kernel.database import Database

_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="gatehouse"'}


@dataclass(frozen=True, slots=True)
class Access:
    """What somebody may reach with the permission of the route that they asked."""

    principal: Principal
    organization: ResolvedOrganization | None
    reach: Reach
    actor: Actor
    permission: str
    _database: Database
    _book: RoleBook

    @property
    def org_id(self) -> UUID | None:
        """The organization that the request is about; None for somebody of the platform who named none."""
        return self.organization.id if self.organization else None

    @contextmanager
    def scope(self) -> Iterator[Session]:
        """Open a transaction that sees what is within reach, and no row more: the database sees to it.

        Rows that are narrowed to an owner are the query's to narrow, by `reach.boxes`. 403 for somebody of no
        organization, whose reach is what is about themselves.
        """
        if self.organization is None:
            with self.platform() as session:
                yield session
        else:
            with self._database.tenant_scope(self.organization.id, self.reach.clients) as session:
                yield session

    @contextmanager
    def platform(self) -> Iterator[Session]:
        """Open a transaction that sees everything; 403 for whoever is not of the platform."""
        if not self.reach.everywhere:
            raise self._refusal("reach")
        with self._database.platform_scope() as session:
            yield session

    @contextmanager
    def scope_of(self, org_id: UUID) -> Iterator[Session]:
        """Open a transaction in the organization of something that was found or named, no wider than `scope`.

        Raises NotFoundError for an organization other than the request's.
        """
        if self.organization is None and not self.reach.everywhere:
            raise self._refusal("reach")
        if self.organization is not None and self.organization.id != org_id:
            raise NotFoundError(f"There is no organization {org_id}.")
        with self._database.tenant_scope(org_id, self.reach.clients) as session:
            yield session

    @contextmanager
    def client_scope(self, client_id: UUID) -> Iterator[Session]:
        """Open a transaction in the organization of a client. Raises ClientNotFoundError unless it is within reach."""
        if not self.reach.includes(client_id=client_id):
            raise ClientNotFoundError("There is no such client.")
        if self.organization is None:
            with self._database.platform_scope() as session:
                org_id = organization_of_client(session, client_id)
            with self.scope_of(org_id) as session:
                yield session
        else:
            with self.scope() as session:
                organization_of_client(session, client_id)
                yield session

    def by(self, permission: str) -> Access | None:
        """Return what the same request may reach with another permission, for pages of parts; None without it."""
        within = reach(self._book, self.principal, permission, self.org_id)
        return None if within is None else replace(self, reach=within, permission=permission)

    def may(self, permission: str) -> bool:
        """Whether another permission is theirs here, for what a page offers. The server asks again when it is used."""
        return reach(self._book, self.principal, permission, self.org_id) is not None

    def need(self, permission: str) -> None:
        """Ask for another permission, for what a request may ask for besides. Raises ProblemError (403)."""
        if not self.may(permission):
            raise _forbidden(permission, "role")

    def _refusal(self, because: str) -> ProblemError:
        return _forbidden(self.permission, because)


class Requires:
    """A dependency that lets in who has a permission, and gives the route its `Access`."""

    def __init__(self, permission: str) -> None:
        self.permission = permission
        PERMISSION_DENIALS.labels(permission, "role")  # Shown from the start, so that its first count is seen.

    def __call__(self, request: Request, settings: SettingsDep, database: DatabaseDep, sent: SentToken) -> Access:
        """Return what the request may reach.

        Raises:
            ProblemError: 401 without credentials, 403 without the permission, or as `resolve` does. 403 also for a
                browser's change that came from no page of ours.

        """
        principal = authenticate(request, settings, database)
        if principal is None:
            raise unknown(request)
        if known_browser(request) is not None:
            check_session(request, settings, sent)
        book: RoleBook = request.app.state.roles
        quotas: Quotas = request.app.state.quotas
        quotas.count_request(request, principal, changes=book.permissions[self.permission].changes)
        organization = resolve(request, settings, database, principal)
        principal = reporting_in(request, principal, organization.id if organization else None)
        within = reach(book, principal, self.permission, organization.id if organization else None)
        if within is None:
            raise _forbidden(self.permission, "role")
        if organization is not None and not organization.is_active and not within.everywhere:
            raise ProblemError(403, "This organization is suspended. Ask whoever runs the platform.", kind="suspended")
        if settings.demo_safe_mode and book.permissions[self.permission].destructive:
            PERMISSION_DENIALS.labels(self.permission, "demo").inc()
            raise ProblemError(
                403,
                "This is a demonstration, so what can't be undone is turned off. On your own installation it works.",
                kind="demo",
            )
        actor = actor_of(request, principal)
        access = Access(principal, organization, within, actor, self.permission, database, book)
        # What is drawn around a page goes by it, also around one that says what went wrong later.
        request.state.access = access
        return access


class Public:
    """A marker for a route that everybody may ask, or that checks a signature itself; `why` says which."""

    def __init__(self, why: str) -> None:
        self.why = why

    async def __call__(self) -> None:
        """Let everybody in. Not in a thread: the ingest routes pay for every step."""


def requires(permission: str) -> Any:  # noqa: ANN401 - as Depends itself
    """Declare the permission that a route takes, as the dependency that gives it its `Access`."""
    return Depends(Requires(permission))


def public(why: str) -> Any:  # noqa: ANN401 - as Depends itself
    """Declare that a route takes no permission: `dependencies=[public("checks Twilio's signature")]`."""
    return Depends(Public(why))


def actor_of(request: Request, principal: Principal) -> Actor:
    """Return who acts, for the audit log: also while they see the pages as somebody else."""
    browser = known_browser(request)
    own = browser.holder if browser else principal
    return Actor(
        name=principal.name,
        role=browser.role if browser else principal.role,
        user_id=principal.id if principal.kind == "user" else None,
        ip=request.client.host if request.client else None,
        user_agent=request.headers.get("user-agent"),
        request_id=getattr(request.state, "request_id", None),
        held=tuple((grant.role, grant.org_id) for grant in own.grants),
        viewing_as=principal.role if browser and browser.view else "",
    )


def _forbidden(permission: str, because: str) -> ProblemError:
    """Return the refusal, counted. `because`: "role", or "reach" of somebody who has it, but not so far."""
    PERMISSION_DENIALS.labels(permission, because).inc()
    return ProblemError(403, "Your role does not allow this. An administrator can change that.", kind="permission")


def unknown(request: Request) -> ProblemError:
    """Return what is answered to somebody who has to say first who they are."""
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        wanted = quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""), safe="/")
        return ProblemError(303, headers={"Location": f"/sign-in?next={wanted}"})
    return ProblemError(401, "Sign in, or send an API key or token as a bearer.", kind="sign-in", headers=_CHALLENGE)
