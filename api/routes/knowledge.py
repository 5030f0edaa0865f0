"""What a client's replies are grounded in: services, hours and answered questions. The next reply goes by it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.access.requires import Access, requires
from api.schemas.knowledge import (
    DifferenceDocument,
    EntryChangeDocument,
    EntryDocument,
    ImportDocument,
    KnowledgeDocument,
    KnowledgeList,
    NewEntryDocument,
    OrderDocument,
    difference_document,
    entry_document,
)
from domain.replies.knowledge import add_entry, change_entry, get_entry, list_entries, order_entries, remove_entry
from domain.replies.ports import EntryKind
from domain.replies.transfer import bring_in, checked_entries, document_of

router = APIRouter(tags=["Knowledge"])
Viewing = Annotated[Access, requires("knowledge.view")]
Changing = Annotated[Access, requires("knowledge.change")]
Removing = Annotated[Access, requires("knowledge.remove")]


@router.get("/api/v1/clients/{client_id}/knowledge")
def entries(client_id: UUID, access: Viewing, kind: EntryKind | None = None) -> KnowledgeList:
    """Return a client's services, hours and answered questions, in their order."""
    with access.client_scope(client_id) as session:
        return KnowledgeList(items=[entry_document(one) for one in list_entries(session, client_id, kind=kind)])


@router.post("/api/v1/clients/{client_id}/knowledge", status_code=201)
def add(client_id: UUID, new: NewEntryDocument, access: Changing) -> EntryDocument:
    """Add an entry after the others."""
    with access.client_scope(client_id) as session:
        return entry_document(add_entry(session, client_id, new.new(), access.actor))


@router.put("/api/v1/clients/{client_id}/knowledge/order")
def order(client_id: UUID, wanted: OrderDocument, access: Changing) -> KnowledgeList:
    """Put the entries of a kind into an order. 409 when the ids are not those that there are."""
    with access.client_scope(client_id) as session:
        found = order_entries(session, client_id, wanted.kind, wanted.ids, access.actor)
        return KnowledgeList(items=[entry_document(one) for one in found])


@router.get("/api/v1/clients/{client_id}/knowledge/export")
def export(client_id: UUID, access: Viewing) -> KnowledgeDocument:
    """Return the knowledge base as a document that can be edited and imported, here or for another client."""
    with access.client_scope(client_id) as session:
        return KnowledgeDocument.model_validate(document_of(list_entries(session, client_id)))


@router.post("/api/v1/clients/{client_id}/knowledge/import")
def import_(client_id: UUID, wanted: ImportDocument, access: Changing) -> DifferenceDocument:
    """Add and change entries by a document; those that it lacks stay. `dry_run` only tells what would change."""
    return _bring_in(client_id, wanted, access, replace=False)


@router.post("/api/v1/clients/{client_id}/knowledge/replace")
def replace(client_id: UUID, wanted: ImportDocument, access: Removing) -> DifferenceDocument:
    """Make the knowledge base what a document says; what it lacks is removed. `dry_run` only tells."""
    return _bring_in(client_id, wanted, access, replace=True)


@router.get("/api/v1/clients/{client_id}/knowledge/{entry_id}")
def one_entry(client_id: UUID, entry_id: UUID, access: Viewing) -> EntryDocument:
    """Return one entry."""
    with access.client_scope(client_id) as session:
        return entry_document(get_entry(session, client_id, entry_id))


@router.patch("/api/v1/clients/{client_id}/knowledge/{entry_id}")
def change(client_id: UUID, entry_id: UUID, wanted: EntryChangeDocument, access: Changing) -> EntryDocument:
    """Change an entry, or enable or disable it. 409 when somebody changed it since the given version."""
    with access.client_scope(client_id) as session:
        entry = change_entry(session, client_id, entry_id, wanted.change(), access.actor, version=wanted.version)
        return entry_document(entry)


@router.delete("/api/v1/clients/{client_id}/knowledge/{entry_id}", status_code=204, response_class=Response)
def remove(
    client_id: UUID,
    entry_id: UUID,
    access: Removing,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="The version that is meant.")] = None,
) -> Response:
    """Remove an entry."""
    with access.client_scope(client_id) as session:
        remove_entry(session, client_id, entry_id, access.actor, version=version)
    return Response(status_code=204)


def _bring_in(client_id: UUID, wanted: ImportDocument, access: Access, *, replace: bool) -> DifferenceDocument:
    checked = checked_entries([one.new() for one in wanted.entries])
    with access.client_scope(client_id) as session:
        found = bring_in(session, client_id, checked, access.actor, replace=replace, dry_run=wanted.dry_run)
    return difference_document(found, dry_run=wanted.dry_run)
