"""Verify the chains of the audit log against tampering, in batches and in constant memory. All in platform scopes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID

from domain.audit.chain import Finding, FindingKind, Head, Link, Walk
from domain.kernel.database import raw_connection

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

BATCH: Final = 2_000
MOVED_BY: Final = 1_000
"""How far from its place an entry is recognized; one that was moved farther counts as changed."""

Scope = Callable[[], "AbstractContextManager[Session]"]
"""Opens a platform scope."""
Progress = Callable[[UUID, int, int], None]
"""Told the organization, how many of its entries are verified, and how many there are."""

# Organizations by a walk along the index, one probe each. In one statement, so that a head and its end belong together.
_CHAINS: Final = """
    WITH RECURSIVE org (id) AS (
        (SELECT org_id FROM admin_audit_logs ORDER BY org_id LIMIT 1)
        UNION ALL
        SELECT (SELECT org_id FROM admin_audit_logs WHERE org_id > org.id ORDER BY org_id LIMIT 1)
        FROM org WHERE org.id IS NOT NULL
    ), known (id) AS (SELECT id FROM org WHERE id IS NOT NULL UNION SELECT tenant_id FROM audit_heads)
    SELECT known.id, head.tenant_id IS NOT NULL, head.sequence, head.hash,
           coalesce((SELECT sequence FROM admin_audit_logs WHERE org_id = known.id AND sequence IS NOT NULL
                     ORDER BY sequence DESC LIMIT 1), 0),
           (SELECT count(*) FROM admin_audit_logs WHERE org_id = known.id AND sequence IS NULL)
    FROM known LEFT JOIN audit_heads head ON head.tenant_id = known.id
    WHERE %(org_id)s::uuid IS NULL OR known.id = %(org_id)s::uuid
    ORDER BY known.id
"""
_LINKS: Final = """
    SELECT sequence, id, previous_hash, hash, hash IS NOT NULL AND hash = audit_hash(previous_hash, entry)
    FROM admin_audit_logs entry
    WHERE org_id = %s AND sequence > %s AND sequence <= %s ORDER BY sequence LIMIT %s
"""
_PLACE: Final = """
    SELECT place FROM admin_audit_logs entry, generate_series(greatest(1, sequence - %(by)s), sequence + %(by)s) place
    WHERE id = %(id)s
        AND hash = audit_hash(previous_hash, jsonb_populate_record(entry, jsonb_build_object('sequence', place)))
    LIMIT 1
"""
_HASH_AT: Final = "SELECT hash FROM admin_audit_logs WHERE org_id = %s AND sequence = %s"


@dataclass(frozen=True, slots=True)
class Chain:
    """What there is of a chain at one moment. `last`: the highest number; `unchained`: entries without a number."""

    org_id: UUID
    head: Head | None
    last: int
    unchained: int


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of one chain. `found` counts all findings, of which the first are listed."""

    org_id: UUID
    entries: int
    findings: Sequence[Finding]
    found: int


def chains(session: Session, org_id: UUID | None = None) -> list[Chain]:
    """Return all chains, or the one of an organization if it has any."""
    rows = raw_connection(session).execute(_CHAINS, {"org_id": org_id}).fetchall()
    return [
        Chain(org, Head(org, sequence, hash_) if has_head else None, last, unchained)
        for org, has_head, sequence, hash_, last, unchained in rows
    ]


def heads(session: Session, org_id: UUID | None = None) -> list[Head]:
    """Return the heads, to be kept where nobody who can write to the database can write."""
    return [chain.head for chain in chains(session, org_id) if chain.head is not None]


def verify(
    scope: Scope,
    org_id: UUID | None = None,
    *,
    noted: Sequence[Head] = (),
    newest: int | None = None,
    progress: Progress | None = None,
) -> Iterator[Verified]:
    """Verify every chain, or one organization's, up to the entries that there are now, a chain at a time.

    `noted`: heads that were kept elsewhere. `newest`: only so many entries of each, from the end.
    """
    with scope() as session:
        found = chains(session, org_id)
    missing = {head.org_id for head in noted if org_id in {None, head.org_id}} - {chain.org_id for chain in found}
    for chain in [*found, *(Chain(gone, None, 0, 0) for gone in sorted(missing))]:
        yield _verify(scope, chain, [head for head in noted if head.org_id == chain.org_id], newest, progress)


def _verify(
    scope: Scope, chain: Chain, noted: Sequence[Head], newest: int | None, progress: Progress | None
) -> Verified:
    begin = 0 if newest is None else max(0, chain.last - newest)
    walk = Walk(partial(_place_of, scope), expected=begin + 1)
    for batch in _batches(scope, chain, begin):
        for link in batch:
            walk.feed(link)
        if progress is not None:
            progress(chain.org_id, walk.entries, chain.last - begin)
    walk.finish(chain.head)
    if chain.unchained:
        words = f"{chain.unchained} entries were put in past the chain."
        walk.add(Finding(FindingKind.UNCHAINED, words))
    for head in noted:
        _compare(scope, head, walk)
    return Verified(chain.org_id, walk.entries, tuple(walk.findings), walk.found)


def _batches(scope: Scope, chain: Chain, begin: int) -> Iterator[list[Link]]:
    while True:
        with scope() as session:
            rows = raw_connection(session).execute(_LINKS, [chain.org_id, begin, chain.last, BATCH]).fetchall()
        if rows:
            yield [Link(*row) for row in rows]
        if len(rows) < BATCH:
            return
        begin = rows[-1][0]


def _place_of(scope: Scope, link: Link) -> int | None:
    with scope() as session:
        row = raw_connection(session).execute(_PLACE, {"id": link.id, "by": MOVED_BY}).fetchone()
    return None if row is None else int(row[0])


def _compare(scope: Scope, noted: Head, walk: Walk) -> None:
    if noted.sequence == 0:
        return
    with scope() as session:
        row = raw_connection(session).execute(_HASH_AT, [noted.org_id, noted.sequence]).fetchone()
    if row is None or row[0] != noted.hash:
        words = f"Entry {noted.sequence} is not the one that was noted; what is up to it may have been written anew."
        walk.add(Finding(FindingKind.NOTED, words, noted.sequence, noted.sequence))
