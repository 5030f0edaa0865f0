"""Which words may be the first label of an organization's host name."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.tenancy.slugs import RESERVED, UnfitSlugError, check_organization_slug, check_slug, slug_of


@pytest.mark.parametrize("slug", ["harbor-services", "a1", "1a", "acme", "a" * 63])
def test_a_host_s_label_is_a_slug(slug: str) -> None:
    assert check_organization_slug(slug) == slug


@pytest.mark.parametrize(
    "slug",
    ["", "a", "-acme", "acme-", "Acme", "ac me", "ac_me", "ac.me", "xn--4ca", "a--b", "a" * 64, "äcme", "acme\n"],
)
def test_what_a_browser_would_not_send_as_a_label_is_none(slug: str) -> None:
    with pytest.raises(UnfitSlugError):
        check_slug(slug)


@pytest.mark.parametrize("slug", sorted({"www", "api", "platform", "admin", "mail", "webhooks"}))
def test_nobody_gets_a_name_of_the_platform(slug: str) -> None:
    with pytest.raises(UnfitSlugError, match="platform itself"):
        check_organization_slug(slug)


def test_every_reserved_word_would_be_a_slug_otherwise() -> None:
    assert [word for word in RESERVED if check_slug(word) != word] == []


def test_what_reads_as_an_id_is_refused() -> None:
    for text in ("0193000000007000a000000000000001", "01930000-0000-7000-8000-000000000001"):
        with pytest.raises(UnfitSlugError, match="id"):
            check_slug(text)


@given(st.text())
def test_a_slug_made_of_a_name_is_one_or_nothing(name: str) -> None:
    made = slug_of(name)
    assert made == "" or check_slug(made) == made


@given(st.from_regex(r"[a-z0-9-]{1,70}", fullmatch=True))
def test_what_is_accepted_fits_the_column_and_a_host_name(text: str) -> None:
    try:
        check_slug(text)
    except UnfitSlugError:
        return
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", text)
    assert text.encode("idna") == text.encode()
    with pytest.raises(ValueError, match=r"badly formed|invalid literal"):
        UUID(text)


def test_a_name_makes_a_slug() -> None:
    assert slug_of("  Harbor Plumbing & Söns, Inc. ") == "harbor-plumbing-s-ns-inc"
    assert slug_of("水道屋") == ""
