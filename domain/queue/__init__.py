"""Work that must happen, kept in PostgreSQL until it has happened.

Tables: `jobs`, `job_attempts`, `workers`, `queues`. Declares `queue.job_died`, which tells of deaths and is
handled by `deadletters`.

Invariants:
- a job commits with the change that caused it, and its end commits with its effect;
- a run is fenced by its attempt number: once given up (lost, handed back, cancelled) it can no longer finish the job;
- the broker holds ids only; whatever it loses is handed to it again;
- only failed runs use up tries: a snooze, a lost worker and a hand-back do not.
"""
