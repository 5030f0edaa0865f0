"""The `gatehouse` command. Commands import what they need when they run, so that `--help` answers at once."""

from __future__ import annotations

import typer

from cli import (
    access_roles,
    audit,
    clients,
    conversations,
    database,
    dead,
    deliveries,
    demo,
    doctor,
    flags,
    jobs,
    keys,
    knowledge,
    notices,
    notifications,
    organizations,
    queues,
    roles,
    suppressions,
    users,
    webhooks,
)
from cli.failure import Command
from cli.permitted import local

app = Command(
    name="gatehouse",
    help="The asynchronous back office of businesses that talk to their customers by SMS and web chat.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.command()
@local("runs all roles on this machine")
def up() -> None:
    """Start everything on this machine.

    Brings its own PostgreSQL and Redis, migrates, fills in a demo tenant, and runs all roles until stopped.
    """
    from cli.up import up as start  # noqa: PLC0415 - the command's module is loaded only when it runs

    raise typer.Exit(start() or 0)


for role in (roles.api, roles.worker, roles.scheduler):
    app.command()(local("runs a role")(role))
app.command()(database.migrate)
app.command()(database.seed)
app.command()(local("looks at this installation")(doctor.doctor))
app.add_typer(access_roles.app, name="roles")
app.add_typer(jobs.app, name="jobs")
app.add_typer(dead.app, name="dead")
app.add_typer(queues.app, name="queues")
app.add_typer(notices.app, name="notices")
app.add_typer(audit.app, name="audit")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(suppressions.app, name="suppressions")
app.add_typer(keys.app, name="keys")
app.add_typer(organizations.app, name="organizations")
app.add_typer(clients.app, name="clients")
app.add_typer(conversations.app, name="conversations")
app.add_typer(notifications.app, name="notifications")
app.add_typer(users.app, name="users")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(flags.app, name="flags")
app.add_typer(knowledge.app, name="knowledge")
app.add_typer(demo.app, name="demo")
