"""Databases for tests: a migrated template made once a run, and copies of it that are thrown away."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier

from cli.local.binaries import installed
from cli.local.postgres import apply_roles
from tests.support.run import exclusive

_ROLES = ("owner", "app", "platform")


@dataclass(frozen=True)
class DatabaseUrls:
    """One database, as each role and the superuser reach it."""

    name: str
    app: str
    platform: str
    owner: str
    superuser: str


class Databases:
    """Makes databases on one server for one run. Close it at the end."""

    def __init__(self, superuser_url: str, run: Path) -> None:
        """Remember the server; the first process of the run to come here creates the roles."""
        self._superuser_url = superuser_url
        # Kept open: each test makes a database and drops it.
        self._superuser = psycopg.connect(superuser_url, autocommit=True)
        self._run = run
        self._prefix = prefix_of(run)
        # The same for every run on a server, because roles belong to the server: runs side by side must agree.
        self._passwords = {role: hashlib.sha256(f"{role} {superuser_url}".encode()).hexdigest()[:32] for role in _ROLES}
        with self._once("roles") as first:
            if first:
                apply_roles(installed(), superuser_url, self._passwords)

    def close(self) -> None:
        """Close the connection to the server."""
        self._superuser.close()

    @contextmanager
    def empty(self) -> Iterator[DatabaseUrls]:
        """Give a database without a schema, owned by the role that migrates."""
        with self._database("template1") as urls:
            yield urls

    @contextmanager
    def migrated(self) -> Iterator[DatabaseUrls]:
        """Give a database with the newest schema and no rows."""
        with self._database(self._template()) as urls:
            yield urls

    def _template(self) -> str:
        name = f"{self._prefix}_template"
        with self._once("template") as first:
            if first:
                # Imported late, so that tests without a database don't load it.
                from migrations.apply import upgrade  # noqa: PLC0415

                self._execute("DROP DATABASE IF EXISTS {}", name)
                self._execute("CREATE DATABASE {} OWNER gatehouse_owner", name)
                upgrade(self.urls(name).owner)
                # A single connection to a template would make copying it fail.
                self._execute("ALTER DATABASE {} ALLOW_CONNECTIONS false", name)
        return name

    @contextmanager
    def copied(self, urls: DatabaseUrls) -> Iterator[DatabaseUrls]:
        """Give a copy of a database that nobody is connected to."""
        with self._database(urls.name) as copy:
            yield copy

    @contextmanager
    def _database(self, template: str) -> Iterator[DatabaseUrls]:
        name = f"{self._prefix}_{uuid4().hex[:12]}"
        # PostgreSQL's own way writes a whole copy to its log, and takes five times as long.
        self._execute("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy OWNER gatehouse_owner", name, template)
        try:
            yield self.urls(name)
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", name)

    def urls(self, name: str) -> DatabaseUrls:
        """Return how each role reaches the database `name`."""
        parts = urlsplit(self._superuser_url)
        host = parts.netloc.rpartition("@")[2]
        by_role = {
            role: urlunsplit(parts._replace(netloc=f"gatehouse_{role}:{quote(password)}@{host}", path=f"/{name}"))
            for role, password in self._passwords.items()
        }
        return DatabaseUrls(name=name, superuser=urlunsplit(parts._replace(path=f"/{name}")), **by_role)

    def _execute(self, statement: str, *names: str) -> None:
        self._superuser.execute(SQL(statement).format(*map(Identifier, names)))

    @contextmanager
    def _once(self, what: str) -> Iterator[bool]:
        done = self._run / f"{what}.done"
        with exclusive(self._run / f"{what}.lock"):
            yield not done.exists()
            done.touch()


def prefix_of(run: Path) -> str:
    """Return what the names of a run's databases begin with."""
    return f"gatehouse_test_{hashlib.sha256(run.name.encode()).hexdigest()[:8]}"


def drop_all(superuser_url: str, run: Path) -> None:
    """Drop what a run left on a server that outlives it."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        left = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix_of(run)]
        ).fetchall()
        for (name,) in left:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
