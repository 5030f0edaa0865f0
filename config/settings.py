"""Settings: environment variables (or files of them) with the prefix `GATEHOUSE_`, nested by `__`, checked at start.

`load_settings` is how a process gets them; it reports every mistake at once. `Settings(...)` reads no environment, so a
test states all it needs. Secrets, and URLs that may hold a password, are `SecretStr`: no repr or error shows them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

from config import mistakes

_STRICT: Final = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
# A name that nobody reads is a warning (`mistakes.unwise`), the same at every depth and in `.env`.
_LENIENT: Final = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

_TOPIC: Final = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}"

_HOST: Final = r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*"

Environment = Literal["development", "test", "production"]
Role = Literal["api", "worker", "scheduler"]
Database = Literal["app", "platform", "owner"]

METRICS_PORTS: Final[dict[Role, int]] = {"api": 9101, "worker": 9102, "scheduler": 9103}
"""The port of each role's private /metrics when GATEHOUSE_METRICS_PORT does not name one."""


def _url(*schemes: str) -> AfterValidator:
    """Return a validator of a secret URL that begins with one of `schemes`."""

    def check(value: SecretStr) -> SecretStr:
        mistakes.check_url(value.get_secret_value(), schemes)
        return value

    return AfterValidator(check)


def _web_url(value: str) -> str:
    """Return a web address without its trailing slash."""
    mistakes.check_url(value, ("https", "http"))
    return value.rstrip("/")


PostgresUrl = Annotated[SecretStr, _url("postgresql", "postgres")]
RedisUrl = Annotated[SecretStr, _url("redis", "rediss", "unix")]
BrokerUrl = Annotated[SecretStr, _url("redis", "rediss", "amqp", "amqps")]
WebUrl = Annotated[str, AfterValidator(_web_url)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Twilio(BaseModel):
    """The account that sends and signs text messages."""

    model_config = _LENIENT

    account_sid: Annotated[str, Field(pattern=r"^AC\w+$")] | None = None
    auth_token: SecretStr | None = None
    api_base_url: WebUrl = "https://api.twilio.com"


class Ses(BaseModel):
    """How e-mail leaves through Amazon SES, and which topics of Amazon SNS may report on it."""

    model_config = _LENIENT

    from_address: Annotated[str, Field(pattern=r"^[^\s@<>\",;]+@[^\s@<>\",;]+\.[^\s@<>\",;]+$")] | None = None
    """A verified identity of the account."""
    configuration_set: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    topic_arns: Annotated[str, Field(pattern=rf"^{_TOPIC}(\s*,\s*{_TOPIC})*$")] | None = None
    """Separated by commas. What comes from another topic is refused."""

    @property
    def topics(self) -> frozenset[str]:
        """The topics that may report to us; none when none is set."""
        return frozenset(topic.strip() for topic in (self.topic_arns or "").split(",") if topic.strip())


class Otel(BaseModel):
    """Where traces of messages go; needs the extra `otel`."""

    model_config = _LENIENT

    endpoint: WebUrl | None = None
    """A collector that takes OTLP over HTTP, such as http://127.0.0.1:4318, without `/v1/traces`."""
    sample_ratio: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The share of messages that are traced."""


def _networks(value: str) -> str:
    """Return networks with commas between them as they are, if they can be read."""
    mistakes.check_networks(value)
    return value


class Webhooks(BaseModel):
    """How tenants' endpoints are called."""

    model_config = _LENIENT

    allowed_networks: Annotated[str, AfterValidator(_networks)] = ""
    """Private networks that endpoints may be in, in CIDR form, separated by commas; for development and tests."""


class Ai(BaseModel):
    """What composes replies. `extractive` answers from the knowledge base alone and calls nobody."""

    model_config = _LENIENT

    provider: Literal["extractive", "openai", "bedrock"] = "extractive"
    base_url: WebUrl = "https://api.openai.com/v1"
    api_key: SecretStr | None = None
    model: str | None = None


class Oidc(BaseModel):
    """The OpenID provider that people may sign in with; none unless `issuer` is set."""

    model_config = _LENIENT

    issuer: WebUrl | None = None
    """Its name for itself, below which it publishes what it offers."""
    client_id: str | None = None
    client_secret: SecretStr | None = None
    """None for a client without one, which PKCE alone protects."""
    allowed_networks: Annotated[str, AfterValidator(_networks)] = ""
    """Private networks that the provider may be in, in CIDR form, separated by commas."""


class Jwt(BaseModel):
    """The one issuer whose bearer tokens the administration API takes, and how they name organization and roles."""

    model_config = _LENIENT

    issuer: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    """As `iss` in its tokens, to the letter. Without one no token counts."""
    audience: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    """What `aud` has to hold."""
    jwks_url: WebUrl | None = None
    """Where its public keys are."""
    allowed_networks: Annotated[str, AfterValidator(_networks)] = ""
    """Private networks that the issuer may be in, in CIDR form, separated by commas."""
    organization_claim: Annotated[str, Field(min_length=1)] = "org"
    """Holds an organization's id or slug; a name, or a path with dots."""
    role_claim: Annotated[str, Field(min_length=1)] = "roles"
    role_map: Annotated[str, Field(pattern=r"^([^=,\s]+=[a-z_]+(\s*,\s*[^=,\s]+=[a-z_]+)*)?$")] = ""
    """`theirs=ours`, separated by commas. With any, names that it lacks count for nothing."""
    allow_platform: bool = False
    """Whether a token may name the platform itself, and so reach every organization."""

    @property
    def roles_of(self) -> dict[str, str]:
        """The role of ours for each name of theirs; empty when names are taken as they are."""
        pairs = (pair.strip().partition("=") for pair in self.role_map.split(",") if pair.strip())
        return {theirs: ours for theirs, _, ours in pairs}


class Rates(BaseModel):
    """Requests a minute, before the answer is 429."""

    model_config = _LENIENT

    address: Annotated[int, Field(ge=1)] = 1_200
    """To the administration side, of one address: an office may share one."""
    reads: Annotated[int, Field(ge=1)] = 600
    """Of one person, key or token."""
    changes: Annotated[int, Field(ge=1)] = 240
    """As above, of what changes something."""
    sign_ins: Annotated[int, Field(ge=1)] = 10
    """Tries to sign in, of one address; as many for one account, from anywhere."""
    letters: Annotated[int, Field(ge=1)] = 5
    """Tries of what has a letter written or takes what one holds, of one address; an hour's for one account.

    As many an hour may others have written to one account, and twenty times as many all that one person or key has.
    """


class Settings(BaseModel):
    """All settings of a running process; immutable."""

    model_config = _STRICT

    environment: Environment = "development"
    data_dir: Path = Path(".gatehouse")

    database_url: PostgresUrl
    """Role `gatehouse_app`, under row-level security."""
    platform_database_url: PostgresUrl
    """Role `gatehouse_platform`, for the dispatcher, maintenance and operators."""
    owner_database_url: PostgresUrl | None = None
    """Owner of the schema; only migrations and seeds use it."""
    broker_url: BrokerUrl
    redis_url: RedisUrl

    public_url: WebUrl = "http://127.0.0.1:8000"
    """The address that the outside sees, without a trailing slash; Twilio signs it."""
    secret_key: Annotated[SecretStr, Field(min_length=32)]
    previous_secret_key: Annotated[SecretStr, Field(min_length=32)] | None = None
    """Reads what was sealed before `secret_key` was changed."""
    admin_token: Annotated[SecretStr, Field(min_length=16)] | None = None
    """Signs in without an account, with every permission; without one only accounts and keys get in."""

    sms_provider: Literal["sandbox", "twilio"] = "sandbox"
    email_provider: Literal["sandbox", "ses"] = "sandbox"
    twilio: Twilio = Twilio()
    ses: Ses = Ses()
    webhooks: Webhooks = Webhooks()
    ai: Ai = Ai()
    oidc: Oidc = Oidc()
    default_organization: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] | None = None
    """The slug of the organization that a request is about when nothing else says; none by default."""
    roles_dir: Path | None = None
    """A directory with role files of this installation; one with the name of ours goes before it."""
    demo_safe_mode: bool = False
    """Refuse what can't be undone, whoever asks."""

    session_hours: Annotated[int, Field(ge=1, le=168)] = 12
    """How long a browser stays signed in at most."""
    session_idle_minutes: Annotated[int, Field(ge=5, le=1440)] = 120
    """How long a browser stays signed in without a request."""
    view_as_role: str = "workspace_viewer"
    """The role in which the pages are seen while viewing as a client."""
    view_as_writing_role: str = "workspace_admin"
    """The same for a view that may change something."""

    host: str = "127.0.0.1"
    port: Port = 8000
    api_workers: Annotated[int, Field(ge=1, le=64)] = 1
    trusted_proxy_hops: Annotated[int, Field(ge=0, le=8)] = 0
    """How many proxies of ours stand in front and append to X-Forwarded-For; 0 ignores that header."""
    allowed_hosts: Annotated[str, Field(pattern=rf"^({_HOST}(\s*,\s*{_HOST})*)?$")] = ""
    """Host names that are served besides the one of `public_url` and those below it, separated by commas."""
    admin_allowed_networks: Annotated[str, AfterValidator(_networks)] = ""
    """Who may reach the administration side, in CIDR form, separated by commas; everybody when empty."""
    rates: Rates = Rates()
    jwt: Jwt = Jwt()
    worker_processes: Annotated[int, Field(ge=1, le=64)] = 2
    worker_threads: Annotated[int, Field(ge=1, le=256)] = 8
    queue_window: Annotated[int, Field(ge=8, le=65536)] = 256
    """How many job ids the dispatcher keeps in the broker for each queue."""

    metrics_host: str = "127.0.0.1"
    metrics_port: Port | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
    sentry_dsn: SecretStr | None = None
    otel: Otel = Otel()

    @property
    def is_production(self) -> bool:
        """Whether real customers are served."""
        return self.environment == "production"

    def postgres_url(self, which: Database) -> str:
        """Return the libpq URL of one database role. Raises `SettingsError` when the owner's is not set."""
        url = {
            "app": self.database_url,
            "platform": self.platform_database_url,
            "owner": self.owner_database_url,
        }[which]
        if url is None:
            raise SettingsError([mistakes.not_set(f"{which}_database_url")])
        return _libpq(url)

    def sqlalchemy_url(self, which: Database) -> str:
        """Return the SQLAlchemy URL (psycopg 3) of one database role."""
        return self.postgres_url(which).replace("postgresql://", "postgresql+psycopg://", 1)

    def metrics_port_of(self, role: Role) -> int:
        """Return the port of a role's private /metrics; 0 means any free one."""
        return METRICS_PORTS[role] if self.metrics_port is None else self.metrics_port

    def warnings(self) -> list[str]:
        """Return what is allowed but probably not meant, in words."""
        return mistakes.unwise(self)


class SettingsError(Exception):
    """The settings are wrong. `mistakes` has one sentence or two for each, and no secret; `hint`: where they may be."""

    def __init__(self, found: list[str], hint: str = "") -> None:
        """Keep the sentences and join them for a terminal."""
        self.mistakes = found
        self.hint = hint
        lines = ["The settings are not usable:", *(f"  - {m}" for m in found), hint]
        super().__init__("\n".join(filter(None, lines)))


_SOURCE: Final = SettingsConfigDict(
    env_prefix=mistakes.PREFIX,
    env_nested_delimiter="__",
    env_file_encoding="utf-8",
    env_ignore_empty=True,
    frozen=True,
    extra="ignore",
    hide_input_in_errors=True,
)


class _Environment(BaseSettings, Settings):
    """`Settings`, read from the environment and the files of `mistakes.files`."""

    model_config = _SOURCE


class _Urls(BaseSettings):
    """The databases' URLs without any other setting."""

    model_config = _SOURCE

    owner_database_url: PostgresUrl | None = None
    platform_database_url: PostgresUrl | None = None


def load_postgres_url(which: Literal["owner", "platform"]) -> str:
    """Return the libpq URL of one role for a process that needs, and holds, nothing else. Raises `SettingsError`."""
    try:
        urls = _Urls(_env_file=mistakes.files())
    except ValidationError as error:
        raise SettingsError(mistakes.in_words(error)) from None
    field = f"{which}_database_url"
    url: SecretStr | None = getattr(urls, field)
    if url is None:
        raise SettingsError([mistakes.not_set(field)], mistakes.where_to_look())
    return _libpq(url)


class _Roles(BaseSettings):
    """Where role files of this installation are, without any other setting."""

    model_config = _SOURCE

    roles_dir: Path | None = None


def load_roles_dir() -> Path | None:
    """Return GATEHOUSE_ROLES_DIR for a command that needs no server; None when it is not set."""
    return _Roles(_env_file=mistakes.files()).roles_dir


_STAND_INS: Final = {
    "database_url": "postgresql://stand-in",
    "platform_database_url": "postgresql://stand-in",
    "broker_url": "redis://stand-in",
    "redis_url": "redis://stand-in",
    "secret_key": "-" * 32,
}


def load_settings() -> Settings:
    """Return the settings of this process. Raises `SettingsError` with every mistake, never with a value."""
    try:
        settings = _Environment(_env_file=mistakes.files())
    except SourceError as error:
        raise SettingsError([mistakes.unreadable(str(error))]) from None
    except ValidationError as error:
        wrong = mistakes.in_words(error) + _contradictions_despite(error)
        raise SettingsError(wrong, mistakes.where_to_look() if mistakes.all_missing(error) else "") from None
    found = mistakes.contradictions(settings)
    if found:
        raise SettingsError([m.words for m in found])
    return settings


def _contradictions_despite(error: ValidationError) -> list[str]:
    """Return what else is wrong, beside the single values of `error`: harmless values stand in for those."""
    stand_ins: dict[str, Any] = {}
    wrong = set()
    for found in error.errors(include_input=False, include_url=False):
        *groups, name = (str(part) for part in found["loc"])
        model: type[BaseModel] = Settings
        place = stand_ins
        for group in groups:
            model = type(model.model_fields[group].default)
            place = place.setdefault(group, {})
        place[name] = _STAND_INS.get(name, model.model_fields[name].default)
        wrong.add(".".join([*groups, name]))
    settings = _Environment(_env_file=mistakes.files(), **stand_ins)
    return [m.words for m in mistakes.contradictions(settings) if m.field not in wrong]


def _libpq(url: SecretStr) -> str:
    scheme, _, rest = url.get_secret_value().partition("://")
    return f"{'postgresql' if scheme == 'postgres' else scheme}://{rest}"
