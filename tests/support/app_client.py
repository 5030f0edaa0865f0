"""A client that calls an application in this process, so that a test sees all that a request caused once it returns."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Self

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from fastapi import FastAPI


class AppClient(httpx.Client):
    """An `httpx.Client` of an ASGI application; as a context manager it runs the application's lifespan.

    An answer is read whole, so an endless stream needs a real server. The caller's address is 192.0.2.1.
    """

    def __init__(self, app: FastAPI, base_url: str = "http://testserver") -> None:
        self._app = app
        self._running: AbstractContextManager[BlockingPortal] = start_blocking_portal()
        self._portal = self._running.__enter__()
        self._lifespan: AbstractContextManager[object] | None = None
        super().__init__(base_url=base_url, transport=_Transport(app, self._portal))

    def __enter__(self) -> Self:
        self._lifespan = self._portal.wrap_async_context_manager(self._app.router.lifespan_context(self._app))
        self._lifespan.__enter__()
        return super().__enter__()

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        if self._lifespan is not None:
            self._lifespan.__exit__(exc_type, exc_value, traceback)
        super().__exit__(exc_type, exc_value, traceback)
        self._end_loop()

    def close(self) -> None:
        """End the event loop as well."""
        super().close()
        self._end_loop()

    def _end_loop(self) -> None:
        # Not left to the garbage collector: a failed test keeps the client until Python ends, and that would wait.
        self._running.__exit__(None, None, None)


class _Transport(httpx.BaseTransport):
    """Carries a request into the event loop of the application and its whole answer back."""

    def __init__(self, app: FastAPI, portal: BlockingPortal) -> None:
        self._inner = httpx.ASGITransport(app, client=("192.0.2.1", 50000))
        self._portal = portal

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._portal.call(self._handle, request)

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        inner = httpx.Request(request.method, request.url, headers=request.headers, stream=_Async(request.stream))
        answer = await self._inner.handle_async_request(inner)
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        content = b"".join([piece async for piece in answer.stream])
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)


class _Async(httpx.AsyncByteStream):
    """A body that is given piece by piece, read from within the event loop."""

    def __init__(self, pieces: httpx.SyncByteStream) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
