"""After the secret key was changed all is sealed with the new one, whoever cuts that off, and nothing is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest

from domain.access.second_factor_setup import begin
from domain.kernel.ids import new_id
from domain.kernel.sealed import BATCH
from domain.webhooks.errors import SecretUnreadableError
from domain.webhooks.reseal import UnreadableSecretsError, left_to_do, reseal_all
from migrations.seeds import apply
from migrations.seeds.demo import ORGANIZATION_ID
from providers.sealing import FernetSealer
from tests.support.people import make_user
from tests.support.waiting import until_one_waits

if TYPE_CHECKING:
    from domain.kernel.database import Database
    from tests.support.databases import DatabaseUrls

pytestmark = pytest.mark.integration
LOST, OLD, NEW = (FernetSealer(f"the {name} secret key of these tests") for name in ("lost", "old", "new"))
BOTH = FernetSealer("the new secret key of these tests", "the old secret key of these tests")
SECRET = "JBSWY3DPEHPK3PXP"


class CutOff:
    """A resealer whose process ends after so many."""

    def __init__(self, left: int) -> None:
        self.left = left

    def renewed(self, sealed: str) -> str | None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return BOTH.renewed(sealed)


def people(urls: DatabaseUrls, many: int, sealer: FernetSealer) -> None:
    with psycopg.connect(urls.platform) as connection:
        connection.cursor().executemany(
            "INSERT INTO users (id, email, sealed_totp_secret) VALUES (%s, %s, %s)",
            [(one := new_id(), f"{one}@example.com", sealer.seal(f"{SECRET}{number}")) for number in range(many)],
        )


def endpoint(urls: DatabaseUrls, secret: FernetSealer, previous: FernetSealer | None = None) -> UUID:
    apply(urls.platform, "demo")
    with psycopg.connect(urls.platform) as connection:
        connection.execute(
            "INSERT INTO webhook_endpoints (id, org_id, url, events, sealed_secret, sealed_previous_secret,"
            " previous_until) VALUES (%s, %s, 'https://example.com/', '{*}', %s, %s, now() + interval '1 day')",
            [one := new_id(), ORGANIZATION_ID, secret.seal("whsec_1"), previous and previous.seal("whsec_0")],
        )
    return one


def kept(urls: DatabaseUrls) -> list[Any]:
    query = """
        SELECT sealed_totp_secret FROM users WHERE sealed_totp_secret IS NOT NULL
        UNION ALL SELECT sealed_secret FROM webhook_endpoints
        UNION ALL SELECT sealed_previous_secret FROM webhook_endpoints WHERE sealed_previous_secret IS NOT NULL
    """
    with psycopg.connect(urls.platform) as connection:
        return [row[0] for row in connection.execute(query)]


def test_all_of_it_opens_with_the_new_key_alone_afterwards(database: Database, database_urls: DatabaseUrls) -> None:
    many = 2 * BATCH + 3
    people(database_urls, many, OLD)
    endpoint(database_urls, OLD, OLD)
    endpoint(database_urls, NEW, OLD)
    found, remedy = left_to_do(database.platform_scope, BOTH)
    assert found == (
        f"sealed with the previous key: {many} second factors, 1 secret of an endpoint,"
        " 2 secrets that endpoints had before"
    )
    assert remedy == "Run: gatehouse jobs run reseal-secrets"
    assert reseal_all(database.platform_scope, BOTH).startswith(f"Sealed anew: {many} second factors, 1 secret of")
    opened = sorted(NEW.unseal(sealed) for sealed in kept(database_urls))
    assert opened == sorted([*(f"{SECRET}{number}" for number in range(many)), *["whsec_0", "whsec_1"] * 2])
    before = kept(database_urls)
    assert reseal_all(database.platform_scope, BOTH) == "All is sealed with the present key."
    assert kept(database_urls) == before
    assert left_to_do(database.platform_scope, NEW) == (
        f"{many + 4} sealed with the present key, none with another",
        "",
    )


def test_who_is_cut_off_goes_on_where_that_was(database: Database, database_urls: DatabaseUrls) -> None:
    people(database_urls, BATCH + 50, OLD)
    with pytest.raises(KeyboardInterrupt):
        reseal_all(database.platform_scope, CutOff(BATCH + 10))
    assert sum(BOTH.renewed(sealed) is None for sealed in kept(database_urls)) == BATCH
    assert reseal_all(database.platform_scope, BOTH) == "Sealed anew: 50 second factors."
    assert all(NEW.unseal(sealed).startswith(SECRET) for sealed in kept(database_urls))


def test_what_no_key_opens_is_told_without_a_secret_and_holds_up_nothing(
    database: Database, database_urls: DatabaseUrls
) -> None:
    people(database_urls, 2, OLD)
    people(database_urls, 7, LOST)
    lost = endpoint(database_urls, LOST)
    with pytest.raises(UnreadableSecretsError) as failed:
        reseal_all(database.platform_scope, BOTH)
    words = str(failed.value)
    assert words.startswith("Sealed anew: 2 second factors. Sealed with a key that the settings do not name: 7 second")
    assert f"and 2 more); 1 secret of an endpoint ({lost})." in words
    assert not any(sealed in words for sealed in kept(database_urls))
    assert left_to_do(database.platform_scope, BOTH)[0] in words
    assert sum(BOTH.renewed(sealed) is None for sealed in kept(database_urls) if _opens(sealed)) == 2


def test_a_second_factor_that_is_set_up_meanwhile_stays(database: Database, database_urls: DatabaseUrls) -> None:
    user_id = make_user(database)
    with database.platform_scope() as session:
        begin(session, user_id, OLD)
    with ThreadPoolExecutor(1) as other:
        with database.platform_scope() as session:
            secret = begin(session, user_id, OLD).secret
            session.flush()
            resealing = other.submit(reseal_all, database.platform_scope, BOTH)
            until_one_waits(database_urls.superuser)
        assert resealing.result(timeout=20) == "Sealed anew: 1 second factor."
    assert [NEW.unseal(sealed) for sealed in kept(database_urls)] == [secret]


def _opens(sealed: str) -> bool:
    try:
        BOTH.unseal(sealed)
    except SecretUnreadableError:
        return False
    return True
