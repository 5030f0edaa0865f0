"""Feature flags, the platform's kill switches and runtime settings: changed here, in force everywhere in a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from api.access.requires import Access, requires
from api.schemas.flags import (
    ArchiveDocument,
    ChangeDocument,
    EvaluationDocument,
    FlagDocument,
    FlagSummary,
    Key,
    NewFlagDocument,
    RevertDocument,
    RevisionDocument,
    evaluation_document,
    flag_document,
    flag_summary,
    revision_documents,
)
from api.schemas.paging import After, Limit, Page, cursor, position
from domain.flags.change import archive_flag, change_flag, create_flag
from domain.flags.listing import evaluate_stored, get_flag, list_flags, list_revisions
from domain.flags.ports import Kind, Subject
from domain.flags.revert import revert_flag

if TYPE_CHECKING:
    from providers.flags.process import ProcessFlags

router = APIRouter(tags=["Flags"])
Viewing = Annotated[Access, requires("flags.view")]
Changing = Annotated[Access, requires("flags.change")]


@router.get("/api/v1/flags")
def flags(
    access: Viewing, kind: Kind | None = None, *, archived: bool = False, limit: Limit = 100, after: After = None
) -> Page[FlagSummary]:
    """Return flags, kill switches and settings by name; archived ones as well when asked for."""
    place = position(after, str)
    with access.platform() as session:
        found = list_flags(session, kind=kind, archived=archived, limit=limit, after=place[0] if place else None)
        items = [flag_summary(flag) for flag in found]
    return Page(items=items, next=cursor(items[-1].key) if len(items) == limit else None)


@router.post("/api/v1/flags", status_code=201)
def create(wanted: NewFlagDocument, access: Changing) -> FlagDocument:
    """Create a flag of your own; what the code reads is there already. 409 when there is one of this name."""
    with access.platform() as session:
        flag = create_flag(session, wanted.new(), access.actor, reason=wanted.reason)
        session.refresh(flag)
        return flag_document(flag, [])


@router.get("/api/v1/flags/{key}")
def one_flag(key: Key, access: Viewing) -> FlagDocument:
    """Return one flag with its targets."""
    with access.platform() as session:
        return flag_document(*get_flag(session, key))


@router.patch("/api/v1/flags/{key}")
def change(key: Key, wanted: ChangeDocument, access: Changing) -> FlagDocument:
    """Change a flag. 409 tells what became of it since the given version; 422 why a value or a target is refused."""
    with access.platform() as session:
        change_flag(session, key, wanted.change(), access.actor, version=wanted.version, reason=wanted.reason)
        return flag_document(*get_flag(session, key))


@router.post("/api/v1/flags/{key}/revert")
def revert(key: Key, wanted: RevertDocument, access: Changing) -> FlagDocument:
    """Put a flag back to what it was at an earlier version, as a new version; brings back an archived one."""
    with access.platform() as session:
        revert_flag(session, key, wanted.to, access.actor, version=wanted.version, reason=wanted.reason)
        return flag_document(*get_flag(session, key))


@router.post("/api/v1/flags/{key}/archive")
def archive(key: Key, wanted: ArchiveDocument, access: Changing) -> FlagDocument:
    """Take a flag of your own out of force; it keeps its history. 409 for one that the code reads."""
    with access.platform() as session:
        archive_flag(session, key, access.actor, version=wanted.version, reason=wanted.reason)
        return flag_document(*get_flag(session, key))


@router.get("/api/v1/flags/{key}/revisions")
def revisions(key: Key, access: Viewing, limit: Limit = 50, after: After = None) -> Page[RevisionDocument]:
    """Return the versions of a flag, newest first: who made each, why, and what it changed."""
    place = position(after, int)
    with access.platform() as session:
        # One more than is shown: what the last one changed is seen against the one before it.
        found = list_revisions(session, key, limit=limit + 1, before=place[0] if place else None)
        items = revision_documents(found)[:limit]
    return Page(items=items, next=cursor(items[-1].version) if len(found) > limit else None)


@router.get("/api/v1/flags/{key}/evaluation")
def evaluation(
    key: Key,
    access: Viewing,
    request: Request,
    org_id: UUID | None = None,
    client_id: UUID | None = None,
    targeting_key: Annotated[str | None, Query(max_length=200)] = None,
) -> EvaluationDocument:
    """Return what a flag is for an organization, a client or any other subject, and why."""
    with access.platform() as session:
        found = evaluate_stored(session, key, Subject(org_id, client_id, targeting_key))
    flags: ProcessFlags = request.app.state.flags
    return evaluation_document(key, found, flags.held(key, found.subject))
