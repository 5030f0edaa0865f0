"""The same job as plain programs on Dramatiq, Celery and RQ, struck as `tests/chaos` strikes Gatehouse."""
