"""One run of a job, as its use case sees it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING
from uuid import UUID

from domain.kernel.database import Database, raw_connection
from domain.kernel.ids import PLATFORM_ORG_ID
from domain.queue.claim import Claimed
from domain.queue.finish import Finished, RunLostError, finish
from domain.queue.message import spec_for
from domain.queue.outcome import Outcome
from domain.queue.policy import Ending, ending

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class Run:
    """A claimed job with the scope to work in and the way to end it together with its effect."""

    def __init__(self, claimed: Claimed, database: Database) -> None:
        self.claimed = claimed
        self._database = database
        self.ended: Outcome | None = None

    @property
    def job_id(self) -> UUID:
        """The job."""
        return self.claimed.id

    @property
    def org_id(self) -> UUID:
        """The organization that the job works for; `PLATFORM_ORG_ID` for the platform's own jobs."""
        return self.claimed.org_id

    @property
    def kind(self) -> str:
        """The job's kind."""
        return self.claimed.kind

    @property
    def attempt(self) -> int:
        """The number of this run, from 1, snoozes and lost runs included."""
        return self.claimed.attempt

    @property
    def max_attempts(self) -> int:
        """The number of the run after which the job is dead if that one fails too."""
        return self.claimed.max_attempts

    @property
    def tries(self) -> int:
        """Which try this is, from 1: runs that used up no try are not counted."""
        spec = spec_for(self.kind)
        allowed = self.max_attempts if spec is None else spec.max_attempts
        return max(1, allowed - (self.max_attempts - self.attempt))

    @property
    def last(self) -> bool:
        """Whether the job is dead if this run fails."""
        return self.attempt >= self.max_attempts

    @property
    def correlation_id(self) -> UUID | None:
        """The inbound message that led to this job, if one did."""
        return self.claimed.correlation_id

    def scope(self) -> AbstractContextManager[Session]:
        """Open a transaction of the job's organization, or of the platform for its own jobs."""
        if self.org_id == PLATFORM_ORG_ID:
            return self._database.platform_scope()
        return self._database.tenant_scope(self.org_id)

    def finish(self, session: Session, outcome: Outcome) -> Outcome:
        """End the run in this session's transaction, together with its effect, and return `outcome`.

        Raises RunLostError when the run was given up meanwhile: the whole transaction then rolls back.
        """
        if self.job_id not in finish(raw_connection(session), [self.finished(self.ending(outcome))]):
            raise RunLostError
        self.ended = outcome
        return outcome

    def ending(self, outcome: Outcome) -> Ending:
        """Return how `outcome` ends this run."""
        return ending(outcome, kind=self.kind, tries=self.tries, last_try=self.last)

    def finished(self, how: Ending) -> Finished:
        """Return the record that ends this run."""
        return Finished(self.job_id, self.attempt, self.claimed.started_at, how)
