"""The database schema: Alembic migrations written by hand for PostgreSQL, and the seeds of each environment."""
