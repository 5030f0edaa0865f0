"""What `gatehouse doctor` looks at. A check never raises for what it is there to find."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

import httpx
import psycopg
import redis
from sqlalchemy.exc import SQLAlchemyError

from api.spool.standing import standings
from cli.scopes import begin
from config.places import CONFIG
from config.settings import Settings, SettingsError
from domain.access.roles.book import read_roles
from domain.access.roles.errors import RoleFilesError
from domain.kernel.database import Database
from domain.kernel.redaction import redact_text
from domain.kernel.schema import READ_REVISION, SCHEMA_REVISION, schema_problem
from domain.queue.names import QUEUES
from domain.queue.ports import BrokerUnavailableError
from domain.queue.stats import live_workers
from domain.webhooks.reseal import left_to_do
from providers.brokers.registry import build_transport
from providers.registry import build_sealer

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS: Final = 3
_OLDEST_SERVER: Final = 150000
_LATE_SECONDS: Final = 60

_ROLE: Final = "SELECT current_user, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
_FORBIDDEN: Final = """
    SELECT table_name FROM (VALUES ('jobs'), ('clients'), ('messages'), ('deliveries')) AS needed (table_name)
    WHERE to_regclass(table_name) IS NULL OR NOT has_table_privilege(table_name, 'SELECT, INSERT')
"""
_NOTICES: Final = "SELECT count(*) FROM operator_notices WHERE resolved_at IS NULL"
_LATEST: Final = (
    "SELECT coalesce(extract(epoch FROM now() - min(run_at)), 0)::float8 FROM jobs WHERE state = 'available'"
)


class Finding(NamedTuple):
    """What one check found; with a remedy it is a problem."""

    what: str
    found: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Check everything. With unusable settings, nothing else can be reached."""
    try:
        settings = begin()
    except SettingsError as error:
        remedy = error.hint or "Put it right and run gatehouse doctor again."
        return [Finding("settings", mistake, remedy) for mistake in error.mistakes]
    findings = [Finding("settings", f"all in order for {settings.environment}")]
    findings += [Finding("settings", warning, "Remove it, rename it or set it.") for warning in settings.warnings()]
    findings.append(_roles(settings))
    findings += _postgres("PostgreSQL, application", settings.postgres_url("app"), "GATEHOUSE_DATABASE_URL")
    findings += _postgres("PostgreSQL, platform", settings.postgres_url("platform"), "GATEHOUSE_PLATFORM_DATABASE_URL")
    findings += [_redis(settings), _broker(settings), _api(settings), *_spool(settings)]
    findings += [*_work(settings), *_secrets(settings)]
    return findings + list(_providers(settings))


def _roles(settings: Settings) -> Finding:
    try:
        roles = read_roles(CONFIG, settings.roles_dir)
    except RoleFilesError as error:
        count = len(error.mistakes)
        return Finding(
            "roles", f"{error.mistakes[0]}{f' (and {count - 1} more)' if count > 1 else ''}", "gatehouse roles validate"
        )
    return Finding("roles", f"{len(roles.roles)} roles, {len(roles.permissions)} permissions, all in order")


def _postgres(what: str, url: str, variable: str) -> Iterator[Finding]:
    try:
        with psycopg.connect(url, connect_timeout=_SECONDS, autocommit=True) as connection:
            yield from _database(what, connection, variable)
    except psycopg.Error as error:
        yield Finding(what, _words(error), f"Start the server, or correct {variable}.")


def _database(what: str, connection: psycopg.Connection, variable: str) -> Iterator[Finding]:
    version = connection.info.server_version
    role, unbound = connection.execute(_ROLE).fetchone() or ("", False)
    yield Finding(
        what,
        f"version {version // 10000}.{version % 10000}, role {role}",
        "" if version >= _OLDEST_SERVER else "Use PostgreSQL 15 or newer.",
    )
    if unbound:
        yield Finding(
            what,
            f"role {role} is not bound by row-level security",
            f"Name gatehouse_app or gatehouse_platform in {variable}; neither is a superuser nor has BYPASSRLS.",
        )
    try:
        row = connection.execute(READ_REVISION).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
        row = None
    if schema_problem(row[0] if row else None):
        yield Finding(what, f"the schema is older than {SCHEMA_REVISION}", "Run: gatehouse migrate")
        return
    forbidden = [name for (name,) in connection.execute(_FORBIDDEN)]
    yield Finding(
        what,
        f"no right to use {', '.join(forbidden)}" if forbidden else f"schema {SCHEMA_REVISION}, rights in order",
        f"Use the role that deploy/postgres/roles.sql makes for {variable}, then: gatehouse migrate"
        if forbidden
        else "",
    )


def _redis(settings: Settings) -> Finding:
    try:
        with redis.Redis.from_url(
            settings.redis_url.get_secret_value(), socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS
        ) as client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        return Finding("Redis", _words(error), "Start the server, or correct GATEHOUSE_REDIS_URL.")
    return Finding("Redis", "answers")


def _broker(settings: Settings) -> Finding:
    url = settings.broker_url.get_secret_value()
    kind = "RabbitMQ" if urlsplit(url).scheme.startswith("amqp") else "Redis"
    transport = build_transport(url)
    try:
        waiting = sum(transport.depth(queue) for queue in QUEUES)
    except BrokerUnavailableError as error:
        cause = error.__cause__ or error.__context__ or error
        return Finding("broker", f"{kind}: {_words(cause)}", "Start the server, or correct GATEHOUSE_BROKER_URL.")
    finally:
        transport.close()
    return Finding("broker", f"{kind}, {waiting} jobs in its queues")


def _api(settings: Settings) -> Finding:
    url = f"{settings.public_url}/api/health/ready"
    remedy = "Start it with gatehouse api, or correct GATEHOUSE_PUBLIC_URL and what stands in front of it."
    try:
        answer = httpx.get(url, timeout=_SECONDS)
    except httpx.HTTPError as error:
        return Finding("api", f"{settings.public_url} does not answer: {_words(error)}", remedy)
    try:
        document = answer.json()
        state = str(document.get("detail") or document.get("status"))
    except (ValueError, AttributeError):
        state = f"{settings.public_url} is something else (HTTP {answer.status_code})"
    return Finding("api", state, "" if answer.is_success and state in {"ready", "degraded"} else remedy)


def _spool(settings: Settings) -> Iterator[Finding]:
    found = standings(settings.data_dir / "spool", settings.redis_url.get_secret_value())
    entries = sum(standing.entries for standing in found)
    oldest = max(standing.oldest_seconds for standing in found)
    yield Finding(
        "spool",
        f"{entries} webhooks wait for the database, the oldest for {oldest:.0f} s" if entries else "nothing waits",
        "See that PostgreSQL and gatehouse api run: they are brought in by themselves then." if entries else "",
    )
    rejected = sum(standing.rejected for standing in found)
    if rejected:
        yield Finding(
            "spool",
            f"{rejected} webhooks are kept aside, because nobody could take them",
            "Look into the spool directory's file `rejected` and the Redis stream gatehouse:spool:rejected.",
        )


def _work(settings: Settings) -> Iterator[Finding]:
    try:
        with psycopg.connect(
            settings.postgres_url("platform"), connect_timeout=_SECONDS, autocommit=True
        ) as connection:
            workers = live_workers(connection)
            late = (connection.execute(_LATEST).fetchone() or (0.0,))[0]
            notices = (connection.execute(_NOTICES).fetchone() or (0,))[0]
    except psycopg.Error:
        return  # said already
    remedy = "" if workers else "Start one with gatehouse worker."
    yield Finding("workers", f"{workers} left a heartbeat in the last ten seconds", remedy)
    remedy = "See that gatehouse scheduler runs, and whether there are enough workers." if late > _LATE_SECONDS else ""
    yield Finding(
        "queue", f"the oldest due job waits {late:.0f} s" if late > 0 else "no job is due and waiting", remedy
    )
    yield Finding(
        "notices",
        f"{notices or 'none'} {'wait' if notices > 1 else 'waits'} for a person",
        "Read them: gatehouse notices list. docs/runbooks/ has a page for each kind." if notices else "",
    )


def _secrets(settings: Settings) -> Iterator[Finding]:
    database = Database(settings.postgres_url("app"), settings.postgres_url("platform"), pool_size=1)
    with closing(database), suppress(SQLAlchemyError):  # said already
        yield Finding("secrets", *left_to_do(database.platform_scope, build_sealer(settings)))


def _providers(settings: Settings) -> Iterator[Finding]:
    twilio = settings.twilio
    if settings.sms_provider == "sandbox":
        yield Finding("sms", "sandbox: no text message leaves this system")
    else:
        reachable = settings.public_url.startswith("https://") or twilio.api_base_url != "https://api.twilio.com"
        yield Finding(
            "sms",
            f"twilio at {twilio.api_base_url}, account …{(twilio.account_sid or '')[-4:]}",
            ""
            if reachable
            else "Twilio can't call GATEHOUSE_PUBLIC_URL; set it to an https:// address that reaches us.",
        )
    yield Finding(
        "webhooks",
        "Twilio's signatures are checked" if twilio.auth_token else "every webhook is refused: no auth token",
        "" if twilio.auth_token else "Set GATEHOUSE_TWILIO__AUTH_TOKEN.",
    )
    yield from _email(settings)
    model = f", model {settings.ai.model}" if settings.ai.model else ""
    yield Finding("replies", f"{settings.ai.provider}{model}")


def _email(settings: Settings) -> Iterator[Finding]:
    ses = settings.ses
    if settings.email_provider == "sandbox" or settings.demo_safe_mode or ses.from_address is None:
        yield Finding("email", "sandbox: no e-mail leaves this system")
        return
    from providers.ses.inspect import inspect  # noqa: PLC0415 - half a second that the sandbox does not pay

    for observation in inspect(ses.from_address, ses.configuration_set):
        yield Finding("email", observation.found, observation.remedy)


def _words(error: BaseException) -> str:
    return redact_text(str(error).strip().partition("\n")[0]) or type(error).__name__
