"""What can be wrong with the settings, said in words: the variable's full name, what is wrong, what to do.

No sentence repeats a value: it may be a secret, or hold one.
"""

from __future__ import annotations

import difflib
import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from dotenv import dotenv_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel, ValidationError

    from config.settings import Settings

PREFIX: Final = "GATEHOUSE_"
# Read by the test suite, and set by the worker's parent process for its children.
_NOT_SETTINGS: Final = ("GATEHOUSE_TEST_", "GATEHOUSE_WORKER_QUEUES")

_HINTS: Final = {
    "database_url": "Set it to the URL of role gatehouse_app: postgresql://gatehouse_app:PASSWORD@HOST:5432/gatehouse.",
    "platform_database_url": "Set it to the URL of role gatehouse_platform:"
    " postgresql://gatehouse_platform:PASSWORD@HOST:5432/gatehouse.",
    "owner_database_url": "Set it to the URL of the schema's owner:"
    " postgresql://gatehouse_owner:PASSWORD@HOST:5432/gatehouse.",
    "broker_url": "Set it to redis://HOST:6379/0 or amqp://USER:PASSWORD@HOST:5672/.",
    "redis_url": "Set it to redis://HOST:6379/0.",
    "secret_key": "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'",
    "admin_token": "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
    "twilio.account_sid": "It begins with AC; copy it from the Twilio console.",
    "twilio.auth_token": "Copy it from the Twilio console.",
    "ses.from_address": "Set it to an address that is verified in Amazon SES.",
    "ses.configuration_set": "Set it to the name of a configuration set of Amazon SES.",
    "ses.topic_arns": "Set it to the ARN of the topic that SES reports to, or to several, separated by commas.",
    "previous_secret_key": "Set it to the value that GATEHOUSE_SECRET_KEY had before, or leave it out.",
    "webhooks.allowed_networks": "Write, for example, 127.0.0.0/8,::1/128.",
    "admin_allowed_networks": "Write, for example, 203.0.113.0/24,2001:db8::/32.",
    "allowed_hosts": "Write host names without scheme and port, separated by commas.",
    "jwt.audience": "Set it to what your issuer writes into `aud` of tokens for this installation.",
    "jwt.jwks_url": "Set it to the address of your issuer's JSON Web Key Set.",
    "jwt.allowed_networks": "Write, for example, 10.20.0.0/16.",
    "jwt.role_map": "Write, for example, ops=implementation_lead,support=workspace_viewer.",
    "ai.api_key": "Set the key of the service at GATEHOUSE_AI__BASE_URL.",
    "ai.model": "Set the name of the model to ask.",
    "oidc.allowed_networks": "Write, for example, 10.20.0.0/16.",
    "oidc.issuer": "Set it to the issuer's URL, such as https://login.example.com.",
    "oidc.client_id": "Copy the client id that the OpenID provider gave this installation.",
}

_WRONG: Final = {
    "missing": "is not set",
    "literal_error": "must be {expected}",
    "value_error": "{error}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "too_short": "is too short: it needs at least {min_length} characters",
    "string_too_short": "is too short: it needs at least {min_length} characters",
    "int_parsing": "must be a whole number",
    "bool_parsing": "must be true or false",
    "string_pattern_mismatch": "does not have the right form",
}


class Mistake(NamedTuple):
    """One thing that must change; `field` is its dotted name in `Settings`."""

    field: str
    words: str


def variable(field: str) -> str:
    """Return the environment variable of a dotted field name."""
    return PREFIX + field.replace(".", "__").upper()


def check_url(value: str, schemes: tuple[str, ...]) -> None:
    """Raise `ValueError`, without the value, unless it is a URL with one of `schemes` and a place to connect to."""
    try:
        parts = urlsplit(value)
        place = parts.hostname or parts.query or (parts.path if parts.scheme == "unix" else "")
        _ = parts.port
    except ValueError:
        raise ValueError("is not a URL that can be read; percent-encode special characters in its password") from None
    if parts.scheme not in schemes:
        raise ValueError("must begin with " + " or ".join(f"{scheme}://" for scheme in schemes))
    if not place:
        raise ValueError("names no host")


def check_networks(value: str) -> None:
    """Raise `ValueError` unless `value` holds networks in CIDR form with commas between them, or nothing."""
    try:
        for part in filter(None, (part.strip() for part in value.split(","))):
            ip_network(part)
    except ValueError:
        raise ValueError("must hold networks in CIDR form, separated by commas") from None


def in_words(error: ValidationError) -> list[str]:
    """Return a sentence for each single value that is missing or wrong."""
    sentences = []
    for found in error.errors(include_input=False, include_url=False):
        field = ".".join(str(part) for part in found["loc"])
        # Written from the error's type and limits: pydantic's own message could hold the value.
        wrong = _WRONG.get(found["type"], "is not acceptable").format(**found.get("ctx", {}))
        sentences.append(f"{variable(field)} {wrong}. {_HINTS.get(field, '')}".strip())
    return sentences


def not_set(field: str) -> str:
    """Return the sentence for a setting that is needed and missing."""
    return f"{variable(field)} is not set. {_HINTS.get(field, '')}".strip()


def all_missing(error: ValidationError) -> bool:
    """Return whether not even the databases are named: then nothing was read, rather than something forgotten."""
    found = error.errors(include_input=False, include_url=False)
    missing = {str(one["loc"][0]) for one in found if one["type"] == "missing"}
    return {"database_url", "platform_database_url"} <= missing


def where_to_look() -> str:
    """Return where settings could be, when none of the files that may hold them is there; else nothing."""
    made, *others = files()
    if any(file.is_file() for file in (made, *others)):
        return ""
    return (
        f"There is no {made} and no .env here. Run this where `gatehouse up` was started, whose settings are in"
        " .gatehouse/settings.env, or set GATEHOUSE_DATA_DIR to the directory that holds settings.env."
    )


def unreadable(message: str) -> str:
    """Return the sentence for a group that was given as one value which is not JSON."""
    match = re.search(r'field "(\w+)"', message)
    name = variable(match.group(1)) if match else PREFIX + "…"
    return f"{name} is a group and cannot be set as a whole. Set its members, such as {name}__…, one by one."


def contradictions(settings: Settings) -> list[Mistake]:
    """Return what is wrong between settings that are each acceptable alone."""
    return [*_missing_for_providers(settings), *(_unfit_for_production(settings) if settings.is_production else ())]


def _missing_for_providers(settings: Settings) -> Iterator[Mistake]:
    twilio, ai, oidc, token = settings.twilio, settings.ai, settings.oidc, settings.jwt
    needed: list[tuple[bool, str, str, object]] = [
        (
            settings.sms_provider == "twilio",
            "GATEHOUSE_SMS_PROVIDER is twilio",
            "twilio.account_sid",
            twilio.account_sid,
        ),
        (settings.sms_provider == "twilio", "GATEHOUSE_SMS_PROVIDER is twilio", "twilio.auth_token", twilio.auth_token),
        (
            settings.email_provider == "ses",
            "GATEHOUSE_EMAIL_PROVIDER is ses",
            "ses.from_address",
            settings.ses.from_address,
        ),
        (ai.provider == "openai", "GATEHOUSE_AI__PROVIDER is openai", "ai.api_key", ai.api_key),
        (ai.provider == "openai", "GATEHOUSE_AI__PROVIDER is openai", "ai.model", ai.model),
        (ai.provider == "bedrock", "GATEHOUSE_AI__PROVIDER is bedrock", "ai.model", ai.model),
        (token.issuer is not None, "GATEHOUSE_JWT__ISSUER is", "jwt.audience", token.audience),
        (token.issuer is not None, "GATEHOUSE_JWT__ISSUER is", "jwt.jwks_url", token.jwks_url),
        (oidc.issuer is not None, "GATEHOUSE_OIDC__ISSUER is", "oidc.client_id", oidc.client_id),
        (oidc.client_id is not None, "GATEHOUSE_OIDC__CLIENT_ID is", "oidc.issuer", oidc.issuer),
    ]
    for applies, because, field, value in needed:
        if applies and value is None:
            yield Mistake(field, f"{variable(field)} is not set, and {because}. {_HINTS[field]}")


def _unfit_for_production(settings: Settings) -> Iterator[Mistake]:
    if not settings.public_url.startswith("https://"):
        yield Mistake(
            "public_url",
            "GATEHOUSE_PUBLIC_URL must begin with https:// in production. Set it to the address that Twilio calls.",
        )
    if not settings.twilio.api_base_url.startswith("https://"):
        yield Mistake("twilio.api_base_url", "GATEHOUSE_TWILIO__API_BASE_URL must begin with https:// in production.")
    if settings.ai.provider == "openai" and not settings.ai.base_url.startswith("https://"):
        yield Mistake("ai.base_url", "GATEHOUSE_AI__BASE_URL must begin with https:// in production.")
    if settings.oidc.issuer and not settings.oidc.issuer.startswith("https://"):
        yield Mistake("oidc.issuer", "GATEHOUSE_OIDC__ISSUER must begin with https:// in production.")
    if settings.jwt.jwks_url is not None and not settings.jwt.jwks_url.startswith("https://"):
        yield Mistake("jwt.jwks_url", "GATEHOUSE_JWT__JWKS_URL must begin with https:// in production.")
    if settings.webhooks.allowed_networks:
        yield Mistake(
            "webhooks.allowed_networks",
            "GATEHOUSE_WEBHOOKS__ALLOWED_NETWORKS must be empty in production: whoever names an endpoint could reach"
            " into these networks. To call a private system, give it a public address with TLS.",
        )


def unwise(settings: Settings) -> list[str]:
    """Return what is allowed but probably not meant: names nobody reads, and a production that reaches no customer."""
    found = [_typo(name, _known(type(settings))) for name in _given() if name not in _known(type(settings))]
    if settings.is_production and settings.admin_token is None:
        found.append(
            "GATEHOUSE_ADMIN_TOKEN is not set: only people with accounts and machines with keys get in. The first"
            " account is made by `gatehouse users create`."
        )
    if settings.is_production and settings.sms_provider == "sandbox":
        found.append("GATEHOUSE_SMS_PROVIDER is sandbox: no text message leaves this system.")
    if settings.admin_allowed_networks and settings.is_production and not settings.trusted_proxy_hops:
        found.append(
            "GATEHOUSE_ADMIN_ALLOWED_NETWORKS is set and GATEHOUSE_TRUSTED_PROXY_HOPS is 0: behind a proxy, every"
            " visitor would have the proxy's address."
        )
    if settings.email_provider == "ses" and not settings.ses.topics:
        found.append(
            "GATEHOUSE_SES__TOPIC_ARNS is not set: bounces and complaints are refused, so nobody hears of them."
        )
    return found


def files() -> tuple[Path, ...]:
    """Return the files of settings, of which later ones win: what `gatehouse up` made, then `.env`."""
    data_dir = os.environ.get("GATEHOUSE_DATA_DIR") or ".gatehouse"
    return Path(data_dir) / "settings.env", Path(".env")


def _given() -> list[str]:
    """Return the names with our prefix in the environment and the files, except those that are no settings."""
    names = {name.upper() for name in os.environ}
    for file in files():
        names.update(name.upper() for name in (dotenv_values(file) if file.is_file() else {}))
    return sorted(name for name in names if name.startswith(PREFIX) and not name.startswith(_NOT_SETTINGS))


def _known(model: type[BaseModel], above: str = "") -> set[str]:
    names = set()
    for name, field in model.model_fields.items():
        names.add(variable(above + name))
        nested = field.annotation
        if isinstance(nested, type) and hasattr(nested, "model_fields"):
            names |= _known(nested, f"{above}{name}.")
    return names


def _typo(name: str, known: set[str]) -> str:
    nearest = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    meant = f" Did you mean {nearest[0]}?" if nearest else " Nothing reads it."
    return f"{name} is not a setting.{meant}"
