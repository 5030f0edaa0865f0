"""What an OpenID provider publishes, while it does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.access.openid_ports import ProviderAwayError
from providers.oidc.guarded import guard_for
from providers.oidc.metadata import Published
from providers.webhooks.addresses import networks
from tests.support.oidc_double import OidcDouble


class Clock:
    """Seconds that go on when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def provider() -> Iterator[OidcDouble]:
    with OidcDouble() as provider:
        yield provider


def published_at(issuer: str, clock: Clock) -> Published:
    return Published(issuer, guard_for(issuer, networks("127.0.0.0/8")), clock)


def test_one_visitor_at_most_waits_for_a_provider_that_is_away(provider: OidcDouble) -> None:
    published = published_at(f"{provider.issuer}/moved", Clock())

    def ask(_: int) -> bool:
        with pytest.raises(ProviderAwayError):
            published.metadata()
        return True

    with ThreadPoolExecutor(8) as visitors:
        assert all(visitors.map(ask, range(24)))
    assert len(provider.asked) == 1


def test_a_provider_that_was_away_is_asked_again_after_seconds(provider: OidcDouble) -> None:
    clock = Clock()
    published = published_at(f"{provider.issuer}/moved", clock)
    for now, asked in ((0.0, 1), (4.9, 1), (5.1, 2), (9.0, 2), (10.2, 3)):
        clock.now = now
        with pytest.raises(ProviderAwayError):
            published.metadata()
        assert len(provider.asked) == asked


def test_keys_that_can_be_had_are_had_though_others_were_not(provider: OidcDouble) -> None:
    clock = Clock()
    published = published_at(provider.issuer, clock)
    assert published.key("key-1").key_id == "key-1"
    assert published.metadata().issuer == provider.issuer
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]
