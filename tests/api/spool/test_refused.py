"""A text that the database refuses is set aside; while the database takes nobody's text, none is."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from api.refusals import is_refusal
from domain.kernel.ids import new_id
from migrations.seeds.demo import CLIENT_ID, ORGANIZATION_ID, SMS_NUMBER
from tests.api.spool.conftest import Edge
from tests.support.databases import DatabaseUrls
from tests.support.eventually import eventually

SERVICE = f"MG{'a' * 32}"
pytestmark = [
    pytest.mark.integration,
    # A connection that was in use when its pool was given up is left to the garbage collector by SQLAlchemy.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
# The sequence counts tries: unlike rows, its steps outlast the error.
_REFUSE = """
    CREATE SEQUENCE tries;
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        IF NEW.body ~ '{body}' THEN
            PERFORM nextval('tries');
            RAISE EXCEPTION 'refused' USING ERRCODE = '{code}';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION refuse()
"""


def _refuse(urls: DatabaseUrls, body: str, code: str) -> None:
    with psycopg.connect(urls.superuser, autocommit=True) as connection:
        connection.execute(_REFUSE.format(body=body, code=code).encode())


def _rejected(edge: Edge) -> Path:
    return edge.settings.data_dir / "spool" / "rejected"


@pytest.mark.parametrize("code", ["22001", "P0001", "XX000", "54000"])
def test_a_text_that_the_database_refuses_is_set_aside_and_the_rest_goes_on(
    edge: Edge, database_urls: DatabaseUrls, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _refuse(database_urls, "poison", code)
    with edge.serving() as client:
        edge.proxy.set("refuse")
        assert [edge.post(client, body).status_code for body in ("one", "poison", "three")] == [200] * 3
        edge.proxy.set("pass")
        assert edge.wait_stored(2) == [("one", "spool"), ("three", "spool")]
        eventually(lambda: edge.kept() == {})
        assert "poison" in _rejected(edge).read_text()
        # And one that comes while all is well: it is kept, and holds up nobody.
        assert edge.post(client, "more poison").status_code == 200
        eventually(lambda: "more" in _rejected(edge).read_text())
        assert edge.post(client, "four").status_code == 200
        assert [body for body, _ in edge.wait_stored(3)] == ["one", "three", "four"]
    said = capsys.readouterr()
    assert "poison" not in said.out + said.err


@pytest.mark.parametrize("since", ["changed", "created"])
def test_a_text_that_came_before_its_number_changed_hands_is_not_shown_to_the_new_holder(
    edge: Edge, since: str
) -> None:
    with edge.serving() as client:
        edge.proxy.set("refuse")
        assert edge.post(client, "to the old holder").status_code == 200
    edge.database.execute("UPDATE clients SET sms_number = NULL WHERE id = %s", [CLIENT_ID])
    edge.database.execute(
        "INSERT INTO clients (id, org_id, slug, name, sms_number, sms_number_since)"
        " VALUES (%s, %s, 'new-holder', 'New', %s, CASE WHEN %s THEN clock_timestamp() END)",
        [new_id(), ORGANIZATION_ID, SMS_NUMBER, since == "changed"],
    )
    edge.proxy.set("pass")
    with edge.serving() as client:
        eventually(lambda: _rejected(edge).exists() and "old+holder" in _rejected(edge).read_text(), within=20)
        eventually(lambda: edge.kept() == {})
        eventually(lambda: edge.post(client, "to the new one").status_code == 200)
        assert edge.wait_stored(1)[0][0] == "to the new one"


def test_a_text_that_came_before_its_service_changed_hands_is_not_shown_to_the_new_holder(edge: Edge) -> None:
    pooled = {"To": "+15005550099", "MessagingServiceSid": SERVICE}
    edge.database.execute("UPDATE clients SET messaging_service_sid = %s WHERE id = %s", [SERVICE, CLIENT_ID])
    with edge.serving() as client:
        edge.proxy.set("refuse")
        assert edge.post(client, "to the old holder", **pooled).status_code == 200
    edge.database.execute("UPDATE clients SET messaging_service_sid = NULL WHERE id = %s", [CLIENT_ID])
    edge.database.execute(
        "INSERT INTO clients (id, org_id, slug, name, messaging_service_sid, messaging_service_since, created_at)"
        " VALUES (%s, %s, 'new-holder', 'New', %s, clock_timestamp(), now() - interval '1 year')",
        [new_id(), ORGANIZATION_ID, SERVICE],
    )
    edge.proxy.set("pass")
    with edge.serving() as client:
        eventually(lambda: _rejected(edge).exists() and "old+holder" in _rejected(edge).read_text(), within=20)
        eventually(lambda: edge.kept() == {})
        eventually(lambda: edge.post(client, "to the new one", **pooled).status_code == 200)
        assert edge.wait_stored(1)[0][0] == "to the new one"


@pytest.mark.parametrize("code", ["25006", "42501", "57P01"], ids=["standby", "no right", "shutdown"])
def test_nothing_is_set_aside_while_the_database_takes_nobodys_text(
    edge: Edge, database_urls: DatabaseUrls, code: str
) -> None:
    _refuse(database_urls, ".*", code)
    with psycopg.connect(database_urls.superuser, autocommit=True) as superuser, edge.serving() as client:
        assert [edge.post(client, body).status_code for body in ("one", "two")] == [200] * 2

        def tries() -> int:
            row = superuser.execute("SELECT last_value FROM tries").fetchone()
            return int(row[0]) if row else 0

        eventually(lambda: tries() >= 4, within=20)
        assert sum(edge.kept().values()) == 2
        superuser.execute("DROP TRIGGER refuse ON messages")
        assert [body for body, _ in edge.wait_stored(2)] == ["one", "two"]
        eventually(lambda: edge.kept() == {})
    assert not _rejected(edge).exists()


def test_a_refusal_is_told_from_an_outage() -> None:
    assert is_refusal(UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"))
    assert is_refusal(psycopg.ProgrammingError("cannot adapt"))
    assert not any(map(is_refusal, (psycopg.OperationalError(), psycopg.InterfaceError(), TimeoutError(), OSError())))
    assert not is_refusal(KeyboardInterrupt())
