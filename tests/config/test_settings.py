"""Each mistake in the settings is told in words, all at once, without a value."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from config.settings import Settings, SettingsError, load_postgres_url, load_settings

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {
    "GATEHOUSE_DATABASE_URL": "postgresql://gatehouse_app:pw-app-1@db/gatehouse",
    "GATEHOUSE_PLATFORM_DATABASE_URL": "postgresql://gatehouse_platform:pw-platform-1@db/gatehouse",
    "GATEHOUSE_BROKER_URL": "redis://:pw-broker-1@redis/0",
    "GATEHOUSE_REDIS_URL": "redis://:pw-redis-1@redis/0",
    "GATEHOUSE_SECRET_KEY": "k3y-" * 10,
}
PRODUCTION = GOOD | {
    "GATEHOUSE_ENVIRONMENT": "production",
    "GATEHOUSE_PUBLIC_URL": "https://texts.example.com/",
    "GATEHOUSE_ADMIN_TOKEN": "adm1n-token-" * 3,
    "GATEHOUSE_SMS_PROVIDER": "twilio",
    "GATEHOUSE_TWILIO__ACCOUNT_SID": "AC" + "0" * 32,
    "GATEHOUSE_TWILIO__AUTH_TOKEN": "tw1lio-token",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Give an environment without any setting, and a working directory without `.env`."""
    for name in list(os.environ):
        if name.startswith("GATEHOUSE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def load(environment: pytest.MonkeyPatch, variables: dict[str, str]) -> Settings:
    for name, value in variables.items():
        environment.setenv(name, value)
    return load_settings()


def test_good_settings_load_and_show_no_secret(environment: pytest.MonkeyPatch) -> None:
    settings = load(environment, PRODUCTION)
    shown = repr(settings) + str(settings)
    for secret in ("pw-app-1", "pw-platform-1", "pw-broker-1", "k3y-", "adm1n-token", "tw1lio-token"):
        assert secret not in shown
    assert settings.sqlalchemy_url("app") == "postgresql+psycopg://gatehouse_app:pw-app-1@db/gatehouse"
    assert settings.postgres_url("platform") == GOOD["GATEHOUSE_PLATFORM_DATABASE_URL"]
    assert settings.public_url == "https://texts.example.com"
    assert settings.warnings() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"GATEHOUSE_DATABASE_URL": ""}, "GATEHOUSE_DATABASE_URL is not set. Set it to the URL of role gatehouse_app"),
        (
            {"GATEHOUSE_DATABASE_URL": "mysql://u:s3cret-bit@h/d"},
            "GATEHOUSE_DATABASE_URL must begin with postgresql:// or postgres://",
        ),
        ({"GATEHOUSE_DATABASE_URL": "postgresql://u:s3cret-bit[@h/d"}, "GATEHOUSE_DATABASE_URL is not a URL"),
        ({"GATEHOUSE_DATABASE_URL": "postgresql://"}, "GATEHOUSE_DATABASE_URL names no host"),
        ({"GATEHOUSE_BROKER_URL": "kafka://s3cret-bit"}, "GATEHOUSE_BROKER_URL must begin with redis://"),
        ({"GATEHOUSE_SECRET_KEY": "s3cret-bit"}, "GATEHOUSE_SECRET_KEY is too short: it needs at least 32 characters"),
        ({"GATEHOUSE_ENVIRONMENT": "prod"}, "GATEHOUSE_ENVIRONMENT must be 'development', 'test' or 'production'"),
        ({"GATEHOUSE_API_WORKERS": "many"}, "GATEHOUSE_API_WORKERS must be a whole number"),
        ({"GATEHOUSE_API_WORKERS": "0"}, "GATEHOUSE_API_WORKERS must be at least 1"),
        ({"GATEHOUSE_PORT": "70000"}, "GATEHOUSE_PORT must be at most 65535"),
        ({"GATEHOUSE_DEMO_SAFE_MODE": "perhaps"}, "GATEHOUSE_DEMO_SAFE_MODE must be true or false"),
        ({"GATEHOUSE_TWILIO__ACCOUNT_SID": "s3cret-bit"}, "GATEHOUSE_TWILIO__ACCOUNT_SID does not have the right form"),
        ({"GATEHOUSE_TWILIO__API_BASE_URL": "localhost"}, "GATEHOUSE_TWILIO__API_BASE_URL must begin with https://"),
        ({"GATEHOUSE_TWILIO": "s3cret-bit"}, "GATEHOUSE_TWILIO is a group and cannot be set as a whole"),
        (
            {"GATEHOUSE_SMS_PROVIDER": "twilio", "GATEHOUSE_TWILIO__ACCOUNT_SID": "AC1"},
            "GATEHOUSE_TWILIO__AUTH_TOKEN is not set, and GATEHOUSE_SMS_PROVIDER is twilio",
        ),
        (
            {"GATEHOUSE_EMAIL_PROVIDER": "ses"},
            "GATEHOUSE_SES__FROM_ADDRESS is not set, and GATEHOUSE_EMAIL_PROVIDER is ses",
        ),
        (
            {"GATEHOUSE_SES__FROM_ADDRESS": "Us <s3cret-bit@x.y>"},
            "GATEHOUSE_SES__FROM_ADDRESS does not have the right form",
        ),
        ({"GATEHOUSE_SES__TOPIC_ARNS": "s3cret-bit"}, "GATEHOUSE_SES__TOPIC_ARNS does not have the right form"),
        (
            {"GATEHOUSE_AI__PROVIDER": "openai"},
            "GATEHOUSE_AI__API_KEY is not set, and",
        ),
        ({"GATEHOUSE_AI__PROVIDER": "bedrock"}, "GATEHOUSE_AI__MODEL is not set"),
        ({"GATEHOUSE_ENVIRONMENT": "production"}, "GATEHOUSE_PUBLIC_URL must begin with https:// in production"),
    ],
)
def test_each_mistake_has_its_words(environment: pytest.MonkeyPatch, change: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(environment, GOOD | change)
    assert len(caught.value.mistakes) >= 1
    assert any(words in mistake for mistake in caught.value.mistakes)
    assert "s3cret-bit" not in f"{caught.value}{caught.value!r}{caught.value.__context__!r}"


def test_all_mistakes_come_at_once(environment: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as caught:
        load(
            environment,
            {
                "GATEHOUSE_ENVIRONMENT": "production",
                "GATEHOUSE_DATABASE_URL": GOOD["GATEHOUSE_DATABASE_URL"],
                "GATEHOUSE_TWILIO__API_BASE_URL": "nowhere",
                "GATEHOUSE_SMS_PROVIDER": "twilio",
                "GATEHOUSE_API_WORKERS": "x",
            },
        )
    named = sorted(mistake.split()[0] for mistake in caught.value.mistakes)
    assert named == [
        "GATEHOUSE_API_WORKERS",
        "GATEHOUSE_BROKER_URL",
        "GATEHOUSE_PLATFORM_DATABASE_URL",
        "GATEHOUSE_PUBLIC_URL",
        "GATEHOUSE_REDIS_URL",
        "GATEHOUSE_SECRET_KEY",
        "GATEHOUSE_TWILIO__ACCOUNT_SID",
        "GATEHOUSE_TWILIO__API_BASE_URL",
        "GATEHOUSE_TWILIO__AUTH_TOKEN",
    ]


def test_names_that_nobody_reads_are_warned_of(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GATEHOUSE_TWILIO__AUTH_TOKN=x\nOTHER=1\n")
    environment.setenv("GATEHOUSE_TEST_DATABASE_URL", "anything")
    settings = load(environment, PRODUCTION | {"GATEHOUSE_PUBLIC_ULR": "https://x", "GATEHOUSE_ZEBRA_CROSSING": "1"})
    assert settings.warnings() == [
        "GATEHOUSE_PUBLIC_ULR is not a setting. Did you mean GATEHOUSE_PUBLIC_URL?",
        "GATEHOUSE_TWILIO__AUTH_TOKN is not a setting. Did you mean GATEHOUSE_TWILIO__AUTH_TOKEN?",
        "GATEHOUSE_ZEBRA_CROSSING is not a setting. Nothing reads it.",
    ]


def test_production_without_admin_token_or_provider_is_warned_of(environment: pytest.MonkeyPatch) -> None:
    unset = {"GATEHOUSE_ADMIN_TOKEN": "", "GATEHOUSE_SMS_PROVIDER": ""}
    settings = load(environment, PRODUCTION | unset)
    warnings = settings.warnings()
    assert [w.split(" ", 1)[0] for w in warnings] == ["GATEHOUSE_ADMIN_TOKEN", "GATEHOUSE_SMS_PROVIDER"]
    assert "people with accounts" in warnings[0]


def test_the_topics_of_ses_are_several_or_none_which_is_warned_of(environment: pytest.MonkeyPatch) -> None:
    topic = "arn:aws:sns:eu-west-1:123456789012:gatehouse"
    ses = {"GATEHOUSE_EMAIL_PROVIDER": "ses", "GATEHOUSE_SES__FROM_ADDRESS": "alerts@example.com"}
    settings = load(environment, GOOD | ses)
    assert settings.ses.topics == frozenset()
    assert [w.split(" ", 1)[0] for w in settings.warnings()] == ["GATEHOUSE_SES__TOPIC_ARNS"]

    settings = load(environment, GOOD | ses | {"GATEHOUSE_SES__TOPIC_ARNS": f"{topic}, {topic}-2"})
    assert settings.ses.topics == {topic, f"{topic}-2"}
    assert settings.warnings() == []


def test_files_are_read_and_the_environment_wins(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = tmp_path / "elsewhere" / "settings.env"
    made.parent.mkdir()
    made.write_text("GATEHOUSE_LOG_LEVEL=debug\nGATEHOUSE_PORT=8001\nGATEHOUSE_HOST=made\n")
    (tmp_path / ".env").write_text(
        "GATEHOUSE_LOG_LEVEL=info\nGATEHOUSE_PORT=8002\nGATEHOUSE_TWILIO__AUTH_TOKEN=from-file\n"
    )
    settings = load(environment, GOOD | {"GATEHOUSE_LOG_LEVEL": "error", "GATEHOUSE_DATA_DIR": "elsewhere"})
    assert (settings.host, settings.port, settings.log_level) == ("made", 8002, "error")
    assert settings.twilio.auth_token is not None
    assert settings.twilio.auth_token.get_secret_value() == "from-file"


def test_migrations_need_one_url_alone(environment: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        SettingsError, match=r"GATEHOUSE_OWNER_DATABASE_URL is not set. Set it to the URL of the schema"
    ):
        load_postgres_url("owner")
    environment.setenv("GATEHOUSE_OWNER_DATABASE_URL", "postgres://owner:pw@db/gatehouse")
    assert load_postgres_url("owner") == "postgresql://owner:pw@db/gatehouse"
    environment.setenv("GATEHOUSE_PLATFORM_DATABASE_URL", "mysql://s3cret-bit")
    with pytest.raises(SettingsError, match="GATEHOUSE_PLATFORM_DATABASE_URL must begin with") as caught:
        load_postgres_url("platform")
    assert "s3cret-bit" not in str(caught.value)


def test_settings_in_code_read_no_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GATEHOUSE_LOG_LEVEL", "debug")
    given = {name.removeprefix("GATEHOUSE_").lower(): value for name, value in GOOD.items()}
    settings = Settings.model_validate(given)
    assert settings.log_level == "info"
    with pytest.raises(SettingsError, match="GATEHOUSE_OWNER_DATABASE_URL"):
        settings.postgres_url("owner")
