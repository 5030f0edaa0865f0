"""Addresses that come from outside lead to no private place: webhooks', issuers' keys, and booking pages."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final

import pytest

from domain.webhooks.ports import Answer
from providers.jwks.fetch import KeySetFetcher
from providers.webhooks.caller import HttpWebhooks
from providers.webhooks.network import CallFailedError

PRIVATE: Final = [
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://[::1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://0.0.0.0:{port}/",
    "http://127.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1:{port}/",
    "http://192.168.0.1:{port}/",
    "http://[fd00::1]:{port}/",
    "http://user@127.0.0.1:{port}/",
    "http://public.example@127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/",
    "unix:///var/run/docker.sock",
]


@pytest.fixture
def trap() -> Iterator[socket.socket]:
    """Listen on loopback; whoever connects got where nobody may."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.settimeout(0)
        yield listening


def port_of(listening: socket.socket) -> int:
    port: int = listening.getsockname()[1]
    return port


def nobody_came(listening: socket.socket) -> bool:
    try:
        listening.accept()
    except BlockingIOError:
        return True
    return False


@pytest.mark.parametrize("url", PRIVATE)
def test_no_private_place_is_called_for_a_webhook_or_a_key_set(url: str, trap: socket.socket) -> None:
    place = url.format(port=port_of(trap))
    answer = HttpWebhooks(https_only=False).call(place, {}, b"{}")
    assert (answer.status, bool(answer.error)) == (None, True)
    with pytest.raises(CallFailedError):
        KeySetFetcher(place, https_only=False)()
    assert nobody_came(trap)


def asks_webhook(place: str, resolve: Callable[[str, int], list[str]]) -> Answer | str:
    return HttpWebhooks(https_only=False, resolve=resolve).call(place, {}, b"{}")


def asks_key_set(place: str, resolve: Callable[[str, int], list[str]]) -> Answer | str:
    try:
        return KeySetFetcher(place, https_only=False, resolve=resolve)().decode()
    except CallFailedError as error:
        return Answer(None, 0, str(error), None)


@pytest.mark.parametrize("ask", [asks_webhook, asks_key_set])
@pytest.mark.parametrize("found", [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["::1"], ["169.254.169.254"]])
def test_a_public_name_that_leads_inside_is_not_followed(
    ask: Callable[[str, Callable[[str, int], list[str]]], Answer | str], found: list[str], trap: socket.socket
) -> None:
    answer = ask(f"http://public.example:{port_of(trap)}/", lambda *_: found)
    assert isinstance(answer, Answer)
    assert "an address that is never called" in (answer.error or "")
    assert nobody_came(trap)


@pytest.mark.parametrize("ask", [asks_webhook, asks_key_set])
def test_a_name_is_looked_up_once_so_a_second_answer_changes_nothing(
    ask: Callable[[str, Callable[[str, int], list[str]]], Answer | str], trap: socket.socket
) -> None:
    answers = iter([["10.0.0.1"], ["127.0.0.1"]])
    ask(f"http://rebinding.example:{port_of(trap)}/", lambda *_: next(answers))
    assert next(answers) == ["127.0.0.1"]
    assert nobody_came(trap)


def test_in_production_nothing_is_asked_over_plain_http() -> None:
    with pytest.raises(CallFailedError, match="must begin with https://"):
        KeySetFetcher("http://issuer.example/keys")()
    assert HttpWebhooks().objection("http://hooks.example/") == "The URL must begin with https://."
