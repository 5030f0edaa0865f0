-- The three roles and the database of Gatehouse. Run once by a superuser, with psql; safe to run again.
-- Passwords come from the environment, so that they appear in no process list and no shell history.
--   gatehouse_owner     owns the schema and runs the migrations
--   gatehouse_app       serves tenants, always under row-level security
--   gatehouse_platform  dispatcher, maintenance, super admins; sees all tenants by policy, not by BYPASSRLS
\set ON_ERROR_STOP on
\getenv owner_password POSTGRES_OWNER_PASSWORD
\getenv app_password POSTGRES_APP_PASSWORD
\getenv platform_password POSTGRES_PLATFORM_PASSWORD
\set database gatehouse

-- A role's password is part of the statement: keep it out of the server's log.
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET log_min_duration_statement = -1;

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['gatehouse_owner', 'gatehouse_app', 'gatehouse_platform']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE gatehouse_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'owner_password';
ALTER ROLE gatehouse_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'app_password';
ALTER ROLE gatehouse_platform LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'platform_password';

SELECT format('CREATE DATABASE %I OWNER gatehouse_owner', :'database')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec

REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
-- No temporary tables: one would outlive its transaction on a pooled connection, for the next tenant to find.
REVOKE TEMPORARY ON DATABASE :"database" FROM gatehouse_app, gatehouse_platform;
GRANT CONNECT ON DATABASE :"database" TO gatehouse_app, gatehouse_platform;
