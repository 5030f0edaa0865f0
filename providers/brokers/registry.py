"""Choose the broker by its URL."""

from __future__ import annotations

from urllib.parse import urlsplit

from domain.kernel.errors import InvalidInputError
from domain.queue.ports import Transport


def build_transport(url: str) -> Transport:
    """Return the transport for `redis://`, `rediss://`, `unix://`, `amqp://` or `amqps://`."""
    match urlsplit(url).scheme:
        case "redis" | "rediss" | "unix":
            from providers.brokers.redis import RedisTransport  # noqa: PLC0415  only one of the clients is loaded

            return RedisTransport(url)
        case "amqp" | "amqps":
            from providers.brokers.rabbitmq import RabbitTransport  # noqa: PLC0415

            return RabbitTransport(url)
        case scheme:
            raise InvalidInputError(f"No broker speaks {scheme}://. Use redis:// or amqp:// in GATEHOUSE_BROKER_URL.")
