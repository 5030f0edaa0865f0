"""What the two runtime roles may do with a table, written once so that no table is forgotten.

`gatehouse_app` sees only rows of the organization set in its transaction. `gatehouse_platform` (dispatcher,
maintenance, super admins) sees all rows. Neither owns a table, and row-level security is forced on the owner as well.
"""

from __future__ import annotations

from alembic import op

APP = "gatehouse_app"
PLATFORM = "gatehouse_platform"

# The setting is read once per statement (a sub-select), not once per row.
CURRENT_ORG = "(SELECT nullif(current_setting('gatehouse.org_id', true), '')::uuid)"
# The clients that a tenant's transaction is narrowed to, `{id,id}`; NULL for all of the organization's.
CURRENT_CLIENTS = "(SELECT nullif(current_setting('gatehouse.client_ids', true), '')::uuid[])"


def tenant_table(table: str, *, org_column: str = "org_id", app: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Force row-level security on a table that holds tenants' rows, and grant both roles their rights."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON {table} TO {APP} "
        f"USING ({org_column} = {CURRENT_ORG}) WITH CHECK ({org_column} = {CURRENT_ORG})"
    )
    op.execute(f"CREATE POLICY platform ON {table} TO {PLATFORM} USING (true) WITH CHECK (true)")
    op.execute(f"GRANT {app} ON {table} TO {APP}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {PLATFORM}")


def client_rows(table: str, client_column: str = "client_id", *, visible: str | None = None) -> None:
    """Hide the rows of other clients from a tenant's transaction that is narrowed to some; also those of no client.

    `visible`: the condition for a table that has no such column, such as that its parent is visible.
    """
    condition = visible or f"{client_column} = ANY ({CURRENT_CLIENTS}::uuid[])"
    narrowed = f"{CURRENT_CLIENTS} IS NULL OR {condition}"
    op.execute(f"CREATE POLICY client ON {table} AS RESTRICTIVE TO {APP} USING ({narrowed}) WITH CHECK ({narrowed})")


def platform_table(table: str, *, app: str | None = "SELECT") -> None:
    """Grant rights on a table that holds no tenant's data."""
    if app:
        op.execute(f"GRANT {app} ON {table} TO {APP}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {PLATFORM}")


def updatable_columns(table: str, *, insert: str, update: str) -> None:
    """Narrow what both runtime roles may write to the named columns, so the others change only through functions."""
    for role in (APP, PLATFORM):
        op.execute(f"REVOKE INSERT, UPDATE ON {table} FROM {role}")
        op.execute(f"GRANT INSERT ({insert}), UPDATE ({update}) ON {table} TO {role}")
