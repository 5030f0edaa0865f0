"""An application behind a real port of this process, for what an in-process client can't see: endless answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import httpx
import uvicorn

from api.edge.serving import server_options
from cli.local.ports import free_port
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from starlette.types import ASGIApp


class LiveApp:
    """Serves what `make` returns for its own address; inside the block it answers there. `options` are uvicorn's."""

    def __init__(self, make: Callable[[str], ASGIApp], **options: Any) -> None:  # noqa: ANN401 - as uvicorn has them
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        config = uvicorn.Config(
            make(self.url),
            host="127.0.0.1",
            port=port,
            **server_options() | {"timeout_graceful_shutdown": 3} | options,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name="live-app")

    def __enter__(self) -> Self:
        self._thread.start()
        eventually(lambda: self._server.started or not self._thread.is_alive(), what="The start of the application")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()

    def client(self) -> httpx.Client:
        """Return a client of this address."""
        return httpx.Client(base_url=self.url, timeout=10)
