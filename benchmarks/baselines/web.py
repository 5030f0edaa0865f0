"""The smallest honest webhook application: FastAPI, the official signature check, one psycopg transaction a request.

With BASELINE_INSERT=0 it leaves the database out: HTTP and signature alone.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from psycopg.types.json import Json
from psycopg_pool import AsyncConnectionPool
from twilio.request_validator import RequestValidator

from benchmarks.webhooks import PATH
from domain.kernel.ids import new_id
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID

_TWIML = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
_INSERTS = os.environ["BASELINE_INSERT"] == "1"
_URL = os.environ["BASELINE_PUBLIC_URL"] + PATH
_validator = RequestValidator(os.environ["BASELINE_AUTH_TOKEN"])
_pool = AsyncConnectionPool(os.environ["BASELINE_DATABASE_URL"], min_size=8, max_size=8, open=False)


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    if _INSERTS:
        await _pool.open()
        yield
        await _pool.close()
    else:
        yield


app = FastAPI(lifespan=_lifespan)


@app.post(PATH)
async def receive(request: Request) -> Response:
    """Check the signature, write the message and its job, answer."""
    form = await request.form()
    if not _validator.validate(_URL, form, request.headers.get("x-twilio-signature", "")):
        return Response(status_code=403)
    if _INSERTS:
        await _store({name: str(value) for name, value in form.items()})
    return Response(_TWIML, media_type="text/xml")


async def _store(form: Mapping[str, str]) -> None:
    message_id, correlation_id = new_id(), new_id()
    args = {"client_id": str(CLIENT_ID), "channel": "sms", "address": form["From"]}
    async with _pool.connection() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO messages (id, org_id, client_id, direction, channel, address, author, body, external_id,"
            " correlation_id) VALUES (%s, %s, %s, 'in', 'sms', %s, 'contact', %s, %s, %s)"
            " ON CONFLICT (client_id, external_id) DO NOTHING",
            (message_id, ORGANIZATION_ID, CLIENT_ID, form["From"], form["Body"], form["MessageSid"], correlation_id),
        )
        await connection.execute(
            "INSERT INTO jobs (id, org_id, kind, queue, args, state, max_attempts, subject, correlation_id)"
            " VALUES (%s, %s, 'conversations.process', 'inbound', %s, 'available', 5, %s, %s)",
            (new_id(), ORGANIZATION_ID, Json(args), f"message:{message_id}", correlation_id),
        )
