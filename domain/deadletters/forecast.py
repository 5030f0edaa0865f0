"""The dry run: what would become of dead letters if they were requeued now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select

from domain.deadletters.fates import Fate, Forecast
from domain.deadletters.foresight import Foresight
from domain.deadletters.kinds import load_kinds
from domain.kernel.database import raw_connection
from domain.queue.dead import Letter, pages
from domain.queue.message import UnreadableArgsError, decode, spec_for
from domain.queue.models import Queue

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.queue.dead import DeadFilter

# Written as a probe for each letter: as EXISTS, PostgreSQL may gather the keys of everything that is alive instead.
_PAGE: Final = """
    SELECT jobs.id, jobs.args, jobs.queue, live.found IS NOT NULL
    FROM jobs LEFT JOIN LATERAL (
        SELECT true AS found FROM jobs live
        WHERE live.org_id = jobs.org_id AND live.kind = jobs.kind AND live.unique_key = jobs.unique_key
            AND live.state IN ('scheduled', 'available', 'executing', 'retryable')
        LIMIT 1
    ) live ON true
    WHERE jobs.id = ANY(%s)
"""


def forecast(session: Session, which: DeadFilter, *, now: datetime) -> Forecast:
    """Tell what would become of the letters of a filter, page by page, changing nothing."""
    load_kinds()
    result = Forecast()
    queues: set[str] = set()

    def blocked(client_id: UUID, reason: str) -> None:
        result.blocked_clients.add(client_id)
        result.blocks[reason] += 1

    foresight = Foresight(session, now, blocked)
    for letters in pages(session, which):
        by_kind = _sift(session, letters, result, queues)
        for kind, ids in by_kind.items():
            result.fates.update(foresight.fates(kind, ids).values())
    paused = select(Queue.name).where(Queue.name.in_(queues), Queue.paused_at.is_not(None)).order_by(Queue.name)
    result.paused_queues = session.scalars(paused).all()
    return result


def _sift(session: Session, letters: Sequence[Letter], result: Forecast, queues: set[str]) -> dict[str, list[UUID]]:
    """Count what would not run whatever it is about; return the rest by kind."""
    rest: dict[str, list[UUID]] = defaultdict(list)
    rows = raw_connection(session).execute(_PAGE, ([letter.id for letter in letters],))
    stored = {job_id: (args, queue, twin) for job_id, args, queue, twin in rows}
    for letter in letters:
        args, queue, twin = stored[letter.id]
        fate = _fate(letter, args, twin=twin)
        if fate is None:
            rest[letter.kind].append(letter.id)
            queues.add(queue)
        else:
            result.fates[fate] += 1
    return rest


def _fate(letter: Letter, args: dict[str, object], *, twin: bool) -> Fate | None:
    spec = spec_for(letter.kind)
    if spec is None:
        return Fate.UNKNOWN_KIND
    if letter.superseded:
        return Fate.SUPERSEDED
    if twin:
        return Fate.LIVE_TWIN
    try:
        decode(spec.message_type, args)
    except UnreadableArgsError:
        return Fate.UNREADABLE
    return None
