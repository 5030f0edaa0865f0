"""A form as it was sent, for pages whose fields are not known beforehand."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData


async def _posted(request: Request) -> FormData:
    return await request.form()


Posted = Annotated[FormData, Depends(_posted)]


def texts(form: FormData) -> dict[str, str]:
    """Return the fields that hold text; of several with one name, the last."""
    return {name: value for name, value in form.items() if isinstance(value, str)}
