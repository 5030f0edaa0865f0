"""New recovery codes for one's own account, in place of those that are used up or that somebody may have seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.responses import Response

from api.access.browser import now_of
from api.deps import DatabaseDep, WebhooksDep
from api.pages import page
from api.routes.account import Me, MyId
from domain.access.second_factor_setup import renew_codes
from domain.kernel.errors import BusyError, ConflictError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

router = APIRouter(tags=["Account"])
_PAGE = "/account/recovery-codes"
_LONGEST = 1024


class Proof(BaseModel):
    """The account's password, and a code of its authenticator app or one of its recovery codes."""

    model_config = ConfigDict(extra="forbid")

    password: Annotated[SecretStr, Field(max_length=_LONGEST)]
    code: Annotated[SecretStr, Field(max_length=_LONGEST)]


class RecoveryCodes(BaseModel):
    """Codes that each stand in for the second factor once; they are shown this once."""

    codes: list[str]


@router.post("/api/v1/account/recovery-codes", status_code=201)
def renew(
    request: Request, proof: Proof, user_id: MyId, me: Me, database: DatabaseDep, means: WebhooksDep
) -> RecoveryCodes:
    """Make new recovery codes for who signed in with this browser; those that there were work no more."""
    password, code = proof.password.get_secret_value(), proof.code.get_secret_value()
    codes = renew_codes(database, user_id, password, code, now_of(request), me.actor, sealer=means.sealer)
    return RecoveryCodes(codes=list(codes))


@router.get(_PAGE, include_in_schema=False)
def ask(request: Request, user_id: MyId) -> Response:
    """Ask for the password and a code."""
    del user_id
    return _shown(request)


@router.post(_PAGE, include_in_schema=False)
def renew_from_page(
    request: Request,
    user_id: MyId,
    me: Me,
    database: DatabaseDep,
    means: WebhooksDep,
    password: Annotated[str, Form(max_length=_LONGEST)] = "",
    code: Annotated[str, Form(max_length=_LONGEST)] = "",
) -> Response:
    """Do the same from the page, and show the new codes."""
    try:
        codes = renew_codes(database, user_id, password, code, now_of(request), me.actor, sealer=means.sealer)
    except (InvalidInputError, ConflictError, BusyError) as error:
        return _shown(request, problem=str(error))
    return _shown(request, codes=codes)


def _shown(request: Request, *, codes: Sequence[str] = (), problem: str = "") -> Response:
    return page("account_new_codes.html", 422 if problem else 200, request=request, codes=codes, problem=problem)
