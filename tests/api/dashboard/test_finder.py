"""What somebody typed into the search field, as finders get it."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dashboard.finder import Asked

ID = "01930000-0000-7000-8000-000000000001"


@pytest.mark.parametrize("typed", [ID, f"  {ID} ", ID.upper(), ID.replace("-", ""), f"{{{ID}}}"])
def test_an_id_is_known_however_it_is_written(typed: str) -> None:
    asked = Asked.read(typed)
    assert asked.uuid == UUID(ID)
    assert asked.exact


@pytest.mark.parametrize("typed", ["+1 (212) 555-0142", "+12125550142", " +1.212.555.0142"])
def test_a_number_is_known_however_it_is_written(typed: str) -> None:
    assert Asked.read(typed).phone == "+12125550142"


@pytest.mark.parametrize("typed", ["2125550142", "+1", "+", "12"])
def test_what_may_be_a_number_of_any_country_is_none(typed: str) -> None:
    assert Asked.read(typed).phone is None


def test_an_address_is_in_lower_case_and_twilios_ids_stay_as_they_are() -> None:
    assert Asked.read("Ada@Example.COM").email == "ada@example.com"
    sid = "SM" + "0a" * 16
    assert Asked.read(sid).sid == sid
    assert Asked.read(sid).exact
    assert not Asked.read("Harbor").exact


@given(st.text())
def test_nothing_that_is_typed_is_too_much(typed: str) -> None:
    asked = Asked.read(typed)
    assert len(asked.words) <= 200
    assert asked.words.isprintable()
