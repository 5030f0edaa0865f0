"""The rivals' webhook: check the signature, enqueue, answer. `RIVAL` names the module whose `enqueue` it calls."""

from __future__ import annotations

import importlib
import os
from typing import Final

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from twilio.request_validator import RequestValidator

_PATH: Final = "/webhooks/twilio/sms"
_enqueue = importlib.import_module(f"benchmarks.chaos_rivals.{os.environ['RIVAL']}").enqueue
_validator = RequestValidator(os.environ["RIVAL_AUTH_TOKEN"])
app = FastAPI()


@app.get("/api/health")
def health() -> dict[str, str]:
    """Say that it is alive."""
    return {"status": "ok"}


@app.post(_PATH)
async def receive(request: Request) -> Response:
    """Enqueue a text. What can't be enqueued is not accepted: 503, and the sender repeats it."""
    form = await request.form()
    url = os.environ["RIVAL_PUBLIC_URL"] + _PATH
    if not _validator.validate(url, form, request.headers.get("x-twilio-signature", "")):
        return Response(status_code=403)
    try:
        await run_in_threadpool(_enqueue, str(form["MessageSid"]), str(form["From"]), str(form["To"]))
    except Exception:  # noqa: BLE001  # whatever it was, the text is not in the queue
        return Response(status_code=503)
    return Response("<Response/>", media_type="text/xml")
