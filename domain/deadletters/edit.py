"""Put the arguments of one dead letter right, checked against what its kind of job takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from domain.audit.record import Act, Actor, record
from domain.deadletters.kinds import load_kinds
from domain.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from domain.kernel.reasons import fit_reason
from domain.queue.message import decode, encode, problems, spec_for
from domain.queue.models import Job

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class WrongArgumentsError(InvalidInputError):
    """The arguments do not fit this kind of job. `problems`: what is wrong, by field, without values."""

    def __init__(self, kind: str, found: Mapping[str, str]) -> None:
        listed = "; ".join(f"{name}: {problem}" for name, problem in sorted(found.items()))
        super().__init__(f"These arguments do not fit {kind}. {listed}")
        self.problems = dict(found)


def find_dead(session: Session, job_id: UUID, *, lock: bool = False) -> Job:
    """Return a dead letter. Raises NotFoundError, or ConflictError when the job is alive or resolved."""
    query = select(Job).where(Job.id == job_id)
    job = session.scalar(query.with_for_update() if lock else query)
    if job is None:
        raise NotFoundError(f"There is no job {job_id}.")
    if job.state != "dead":
        raise ConflictError(f"Job {job_id} is {job.state}, not dead.")
    return job


def edit(session: Session, job_id: UUID, args: Mapping[str, Any], *, reason: str, actor: Actor) -> Job:
    """Replace the arguments of a dead letter; it stays dead until it is requeued.

    Its history, subject and unique key stay. The audit log shows both versions redacted. Raises NotFoundError,
    ConflictError, WrongArgumentsError, ReasonMissingError, and InvalidInputError for a kind that nobody here knows.
    """
    reason = fit_reason(reason)
    load_kinds()
    job = find_dead(session, job_id, lock=True)
    spec = spec_for(job.kind)
    if spec is None:
        raise InvalidInputError(f"This release does not know {job.kind}, so it cannot check its arguments.")
    found = problems(spec.message_type, args)
    if found:
        raise WrongArgumentsError(job.kind, found)
    before, after = dict(job.args), json.loads(encode(decode(spec.message_type, args)))
    job.args = after
    act = Act("dead_letter.edit", "job", str(job.id), reason, before=before, after=after, org_id=job.org_id)
    record(session, actor, act)
    return job
