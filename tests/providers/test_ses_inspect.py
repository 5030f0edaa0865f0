"""What `gatehouse doctor` says about an account of SES: each thing that would keep an e-mail from its recipient."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers.ses.inspect import inspect
from tests.support.aws import name_account
from tests.support.ses_double import SesDouble

FROM = "alerts@gatehouse.test"


@pytest.fixture
def ses(monkeypatch: pytest.MonkeyPatch) -> Iterator[SesDouble]:
    """Serve an account in which all is well."""
    name_account(monkeypatch)
    with SesDouble(max_send_rate=14.0) as double:
        double.verified.add("gatehouse.test")
        double.configuration_sets["gatehouse"] = ["arn:aws:sns:eu-west-1:123456789012:gatehouse"]
        monkeypatch.setenv("AWS_ENDPOINT_URL", double.url)
        yield double


def problems(configuration_set: str | None = "gatehouse") -> list[str]:
    return [seen.found for seen in inspect(FROM, configuration_set) if seen.remedy]


def test_an_account_in_order_is_no_problem(ses: SesDouble) -> None:
    assert [seen.found for seen in inspect(FROM, "gatehouse")] == [
        "ses in eu-west-1, 14 e-mails a second",
        "the sender is verified",
        "the configuration set reports to 1 topic",
    ]
    ses.verified = {FROM}
    assert problems() == []


def test_each_thing_that_is_wrong_is_said(ses: SesDouble) -> None:
    ses.sending_enabled = ses.production_access = False
    ses.verified.clear()
    ses.configuration_sets["gatehouse"] = []
    assert problems() == [
        "ses in eu-west-1, 14 e-mails a second",
        "the account is in the sandbox of SES: it sends to verified addresses only",
        "neither the sender's address nor its domain is verified",
        "the configuration set reports to 0 topics",
    ]


@pytest.mark.parametrize("configuration_set", [None, "another"])
def test_a_missing_configuration_set_is_a_problem(ses: SesDouble, configuration_set: str | None) -> None:
    del ses
    assert len(problems(configuration_set)) == 1


def test_what_can_not_be_asked_is_a_problem(ses: SesDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    del ses
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert problems() == ["ses can't be asked (EndpointConnectionError)"]
    monkeypatch.delenv("AWS_REGION")
    assert problems() == ["ses: no region is named"]
