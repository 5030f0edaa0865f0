"""Functions that run as the schema's owner are few, known, and do nothing for another tenant."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege, NoDataFound, UniqueViolation

from tests.support.databases import DatabaseUrls
from tests.support.two_tenants import A, B, column, scope

pytestmark = pytest.mark.integration

# A new one needs a test below that tries it as another tenant.
DEFINERS = {
    "chain_audit_entries",
    "complete_onboarding",
    "ensure_job_attempt_partitions",
    "keep_messaging_service_to_one_organization",
}


def test_the_functions_that_run_as_the_owner_are_known(tenants: DatabaseUrls) -> None:
    assert column(tenants.superuser, "SELECT proname FROM pg_proc WHERE prosecdef AND proname !~ '^pg_'") == DEFINERS


def test_none_of_them_can_be_led_to_a_table_of_the_callers(tenants: DatabaseUrls) -> None:
    # PostgreSQL looks into pg_temp first unless it is named; whoever may make temporary tables could stand one there.
    settings = column(
        tenants.superuser,
        "SELECT setting FROM pg_proc, unnest(proconfig) setting WHERE prosecdef AND setting LIKE 'search_path=%'",
    )
    assert settings == {"search_path=pg_catalog, public, pg_temp"}
    without = "SELECT proname FROM pg_proc WHERE prosecdef AND NOT proconfig::text LIKE '%search_path=%'"
    assert column(tenants.superuser, without) == set()


def test_none_of_our_functions_is_everybodys(tenants: DatabaseUrls) -> None:
    everybodys = """
        SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            AND (proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0))
    """
    assert column(tenants.superuser, everybodys) == set()


def test_onboarding_of_another_tenant_is_not_completed(tenants: DatabaseUrls) -> None:
    for org_id in (A.org, None, ""):
        with scope(tenants.app, org_id) as connection, pytest.raises(NoDataFound):
            connection.execute("SELECT complete_onboarding(%s)", [B.client])


def test_a_temporary_table_of_clients_does_not_stand_in_for_the_real_one(tenants: DatabaseUrls) -> None:
    with scope(tenants.app, A.org) as connection:
        connection.execute("CREATE TEMP TABLE clients AS SELECT * FROM public.clients")
        connection.execute("GRANT ALL ON clients TO PUBLIC")
        connection.execute(
            "UPDATE clients SET id = %s, sms_number = '+15005550006', owner_phone = sms_number", [B.client]
        )
        with pytest.raises(NoDataFound):
            connection.execute("SELECT complete_onboarding(%s)", [B.client])


def test_a_messaging_service_of_anothers_is_refused_without_saying_whose(tenants: DatabaseUrls) -> None:
    service = f"MG{'0' * 32}"
    with psycopg.connect(tenants.platform) as connection:
        connection.execute("UPDATE clients SET messaging_service_sid = %s WHERE id = %s", [service, B.client])
    with scope(tenants.app, A.org) as connection, pytest.raises(UniqueViolation) as refused:
        connection.execute("UPDATE clients SET messaging_service_sid = %s", [service])
    assert str(B.org) not in str(refused.value)


def test_an_installation_gives_no_process_temporary_tables(tenants: DatabaseUrls) -> None:
    # `roles.sql` made the database `gatehouse` on the server of the tests too; nothing is in it.
    allowed = """
        SELECT rolname FROM unnest(ARRAY['gatehouse_app', 'gatehouse_platform']) rolname
        WHERE has_database_privilege(rolname, 'gatehouse', 'TEMP')
    """
    assert column(tenants.superuser, allowed) == set()


@pytest.mark.parametrize(
    "call",
    [
        "SELECT ensure_job_attempt_partitions(1)",
        "SELECT audit_hash(NULL, entry) FROM admin_audit_logs entry",
        "SELECT chain_audit_entries()",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT pg_ls_dir('.')",
        "SELECT dblink('', '')",
        "CREATE EXTENSION dblink",
        "SET ROLE gatehouse_platform",
        "SET ROLE gatehouse_owner",
        "SET SESSION AUTHORIZATION gatehouse_platform",
        "SET session_replication_role = replica",
        "CREATE FUNCTION steal() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
        "ALTER ROLE gatehouse_platform SET row_security = off",
        "ALTER DATABASE postgres SET gatehouse.org_id = ''",
        "CREATE PUBLICATION all_of_it FOR ALL TABLES",
        "CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION complete_onboarding()",
    ],
)
def test_what_would_lead_out_is_refused(tenants: DatabaseUrls, call: str) -> None:
    refused = (InsufficientPrivilege, psycopg.errors.UndefinedFunction, psycopg.errors.FeatureNotSupported)
    with scope(tenants.app, A.org) as connection, pytest.raises(refused):
        connection.execute(call.encode())
        pytest.fail(f"{call} went through")
