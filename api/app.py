"""The application: which routes there are, what surrounds them, and what lives as long as the process."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import redis.asyncio
from fastapi import FastAPI

from api.dashboard.files import Assets
from api.dashboard.kept import Kept
from api.dashboard.live import Streams
from api.dashboard.news import News
from api.dashboard.routers import PAGES
from api.edge.deadline import Deadline
from api.edge.door import Door
from api.edge.limiter import Limiter
from api.edge.quotas import Quotas
from api.errors import answer_with_problems
from api.ingest import Ingest
from api.intake import Intake
from api.middleware import BodyLimit, Boundary
from api.numbers import NumberDirectory
from api.openapi import complete_document
from api.pages import answer_with_pages
from api.routes import (
    account,
    account_invitations,
    account_letters,
    account_organization,
    api_keys,
    audit,
    bots,
    circuits,
    clients,
    conversations,
    dead_letters,
    deliveries,
    flags,
    health,
    invitations,
    jobs,
    journeys,
    knowledge,
    leads,
    notices,
    notifications,
    oidc,
    organizations,
    queues,
    recovery_codes,
    roles,
    sandbox,
    sandbox_mail,
    schedules,
    ses,
    sessions,
    sign_in,
    spool,
    statistics,
    suppressions,
    twilio_sms,
    twilio_status,
    unsubscribe,
    users,
    view_as,
    webhook_endpoints,
    widget,
)
from api.signals import Signals
from api.spool.drain import Drain
from api.spool.spool import Spool
from api.widget.bots import BotDirectory
from api.widget.chat import Chat
from api.widget.limits import Limits
from api.widget.streams import ThreadStreams
from config.places import CONFIG
from domain.access.roles.live import LiveRoles
from domain.conversations.recover import ask_for_recovery
from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.statistics.flusher import Flusher
from domain.statistics.tally import Tally
from domain.webhooks.means import WebhookMeans
from providers.brokers.publishing import publish_from
from providers.brokers.redis import RedisBell
from providers.brokers.registry import build_transport
from providers.error_sharing import ErrorSharing
from providers.registry import build_flags, build_openid, build_sealer, build_webhooks
from providers.signals import RedisSignals

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import APIRouter

    from config.settings import Settings

# Every group of routes. A router writes its paths in full, because the path is the label of its figures.
ROUTERS: Final[tuple[APIRouter, ...]] = (
    health.router,
    sign_in.router,
    oidc.router,
    sessions.router,
    view_as.router,
    account.router,
    account_letters.router,
    recovery_codes.router,
    account_invitations.router,
    account_organization.router,
    users.router,
    invitations.router,
    organizations.router,
    clients.router,
    bots.router,
    twilio_sms.router,
    twilio_status.router,
    ses.router,
    unsubscribe.router,
    suppressions.router,
    spool.router,
    deliveries.router,
    widget.router,
    leads.widget,
    leads.router,
    conversations.router,
    notifications.router,
    circuits.router,
    webhook_endpoints.router,
    dead_letters.router,
    queues.router,
    flags.router,
    knowledge.router,
    jobs.router,
    schedules.router,
    notices.router,
    audit.router,
    roles.router,
    api_keys.router,
    journeys.router,
    sandbox.router,
    sandbox_mail.router,
    statistics.router,
    *PAGES,
)


def create_app(settings: Settings) -> FastAPI:
    """Return the application. Its connections open with the lifespan and close with it."""
    app = FastAPI(
        title="Gatehouse",
        version=version("gatehouse"),
        lifespan=_lifespan,
        # Not included one by one: FastAPI would make each route anew, and ask router after router for every request.
        routes=[route for router in ROUTERS for route in router.routes],
        openapi_url="/api/openapi.json",
        docs_url=None,  # The usual page loads scripts from a foreign host.
        redoc_url=None,
        redirect_slashes=False,  # Such a redirect names whatever host the request named.
    )
    app.state.settings = settings
    app.state.roles = LiveRoles(CONFIG, settings.roles_dir)
    app.state.limiter = Limiter()
    app.state.quotas = Quotas(app.state.limiter, settings.rates)
    app.state.clock = SystemClock()
    app.state.kept = Kept()
    app.state.openid = build_openid(settings)
    answer_with_problems(app)
    answer_with_pages(app)
    complete_document(app)
    app.mount("/assets", Assets(), name="assets")
    # The last one added is the outermost.
    app.add_middleware(BodyLimit)
    app.add_middleware(Deadline)
    app.add_middleware(Door, settings=settings, limiter=app.state.limiter)
    app.add_middleware(
        Boundary, proxy_hops=settings.trusted_proxy_hops, https=settings.public_url.startswith("https://")
    )
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    app.state.database = Database(
        settings.postgres_url("app"), settings.postgres_url("platform"), pool_size=4, name="gatehouse-api"
    )
    app.state.roles.serve(app.state.database)
    app.state.roles.start()
    app.state.redis = redis.asyncio.from_url(
        settings.redis_url.get_secret_value(), socket_connect_timeout=2, socket_timeout=2
    )
    app.state.errors = ErrorSharing(settings.redis_url.get_secret_value(), "api")
    app.state.errors.start()
    app.state.flags = build_flags(settings)
    app.state.flags.serve(app.state.database)
    await asyncio.to_thread(app.state.flags.start)
    transport = build_transport(settings.broker_url.get_secret_value())
    bell = RedisBell(settings.redis_url.get_secret_value())
    publisher = publish_from(app.state.database, transport, bell, window=settings.queue_window)
    app.state.thread_signals = RedisSignals(settings.redis_url.get_secret_value())
    flusher = _count(app)
    app.state.numbers = NumberDirectory(app.state.database)
    app.state.numbers.start()
    app.state.spool = Spool(settings.data_dir / "spool", settings.redis_url.get_secret_value())
    app.state.ingest = Ingest(settings.postgres_url("platform"), publisher, app.state.spool.failed, app.state.tally)
    app.state.ingest.start()
    app.state.intake = Intake(app.state.numbers, app.state.ingest, app.state.spool, app.state.database)
    await app.state.spool.start(
        Drain(app.state.ingest, app.state.numbers, app.state.database, partial(ask_for_recovery, app.state.database))
    )
    app.state.signals = Signals(app.state.redis)
    news = _follow(app)
    app.state.signals.start()
    app.state.bots = BotDirectory(app.state.database)
    app.state.chat = Chat(settings, app.state.database, app.state.ingest)
    app.state.limiter.share(app.state.redis)
    app.state.limits = Limits(app.state.limiter, app.state.flags)
    app.state.webhooks = WebhookMeans(build_webhooks(settings), build_sealer(settings), SystemClock())
    app.state.thread_streams = ThreadStreams(app.state.database, app.state.signals)
    try:
        yield
    finally:
        await app.state.spool.close()
        await news.close()
        await app.state.signals.close()
        await app.state.ingest.close()
        await app.state.numbers.close()
        await app.state.redis.aclose()
        await asyncio.to_thread(app.state.flags.close)
        await asyncio.to_thread(flusher.close)
        await asyncio.to_thread(app.state.errors.close)
        transport.close()
        bell.close()
        await asyncio.to_thread(app.state.roles.close)
        app.state.database.close()


def _count(app: FastAPI) -> Flusher:
    """Count what happens in this process, and what its transactions note."""
    app.state.tally = Tally()
    app.state.database.on_commit(app.state.tally.after_commit)
    flusher = Flusher(app.state.tally, app.state.database, app.state.thread_signals.changes)
    flusher.start()
    return flusher


def _follow(app: FastAPI) -> News:
    """Tell open pages what there is news of."""
    news = News(app.state.database, app.state.signals)
    news.start()
    app.state.live = Streams(news)
    return news
