"""People whom an OpenID provider vouches for: whose account that is.

An account is never made here. The first time it is found by an address that the provider verified, from then on by what
the provider calls the person, which outlives the address.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from domain.access.grants import grants_of
from domain.access.models import OidcIdentity, User
from domain.access.people import acting_as, find_address, get_user, record_about
from domain.access.sign_in import Accepted, NeedsSecondFactor, Refused, SignIn
from domain.access.standing import DISABLED, standing_of
from domain.access.tokens import void_tokens
from domain.audit.record import Act, Actor, record

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from domain.access.openid_ports import Identity

_NO_ACCOUNT: Final = "There is no account here for the address that your provider gave. Ask an administrator for one."
_UNVERIFIED: Final = (
    "Your provider did not say that your e-mail address is verified, so it can't be matched to an account."
)
_OTHER: Final = "The account of this address belongs to somebody else at your provider. Ask an administrator."


def sign_in_as(session: Session, identity: Identity, now: datetime, origin: Actor) -> SignIn:
    """Find whose account it is and return whether they are let in. Needs a platform scope."""
    user_id, refusal = _linked(session, identity) or _link(session, identity, now, origin)
    if user_id is None:
        after = {"way": "openid", "words": refusal}
        record(session, origin, Act("user.sign_in_failed", "user", "unknown", after=after))
        return Refused(refusal)
    user = get_user(session, user_id, lock=True)
    grants = grants_of(session, user_id)
    actor = acting_as(origin, user, grants)
    if user.disabled_at is not None:
        after = {"way": "openid", "words": DISABLED}
        # That an account is disabled is the platform's to know.
        record_about(session, actor, "user.sign_in_failed", user_id, after=after, grants=())
        return Refused(DISABLED)
    if user.totp_confirmed_at is not None:
        return NeedsSecondFactor(user_id, standing_of(user))
    user.last_sign_in_at = now
    signed_in = {"way": "openid", "second_factor": False}
    record_about(session, actor, "user.sign_in", user_id, after=signed_in, grants=grants)
    return Accepted(user_id, standing_of(user))


def _linked(session: Session, identity: Identity) -> tuple[UUID | None, str] | None:
    found = session.get(OidcIdentity, (identity.issuer, identity.subject))
    return (found.user_id, "") if found else None


def _link(session: Session, identity: Identity, now: datetime, origin: Actor) -> tuple[UUID | None, str]:
    """Link an account by its address, unless it is linked to somebody else at the provider: addresses are reused."""
    address = find_address(identity.email) if identity.email else None
    if address is None:
        return None, _UNVERIFIED
    user = session.scalars(select(User).where(User.email == address).with_for_update()).one_or_none()
    if user is None:
        return None, _NO_ACCOUNT
    if user.disabled_at is not None:
        return user.id, ""  # Refused by the caller, and not linked.
    other = select(OidcIdentity.subject).where(OidcIdentity.issuer == identity.issuer, OidcIdentity.user_id == user.id)
    if session.scalars(other).first() is not None:
        return None, _OTHER
    link = {"issuer": identity.issuer, "subject": identity.subject, "user_id": user.id}
    session.execute(insert(OidcIdentity).values(**link).on_conflict_do_nothing())
    # Who was only invited proves the address this way; what they are invited to, they still have to accept.
    user.email_verified_at = user.email_verified_at or now
    void_tokens(session, user.id, "invite")  # It would set a password for whoever was shown that letter.
    grants = grants_of(session, user.id)
    after = {"issuer": identity.issuer}
    record_about(session, acting_as(origin, user, grants), "user.linked", user.id, after=after, grants=grants)
    return user.id, ""
