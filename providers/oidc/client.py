"""One OpenID provider, asked through Authlib; PyJWT and Authlib's rules for claims check its ID token."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any, Final

import jwt
import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError

from domain.access.openid_ports import Identity, NotVouchedForError, ProviderAwayError
from providers.oidc.guarded import SECONDS, GuardedAdapter, guard_for
from providers.oidc.metadata import Published

if TYPE_CHECKING:
    from collections.abc import Collection

    from domain.access.openid_ports import Attempt
    from providers.webhooks.addresses import Network

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
"""What an ID token may be signed with. All have a public key: with HS256, or none, anybody could sign."""
_LEEWAY_SECONDS: Final = 60
_NEEDED: Final = ("iss", "sub", "aud", "exp", "iat", "nonce")


class OidcClient:
    """An `OpenIdProvider`. Without a secret, PKCE alone protects the code. `allowed`: private networks it may be in."""

    def __init__(
        self, issuer: str, client_id: str, client_secret: str | None, *, allowed: Collection[Network] = ()
    ) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._guard = guard_for(issuer, allowed)
        self._published = Published(issuer, self._guard)

    def address(self, attempt: Attempt, return_to: str) -> str:
        """Return where a browser has to go to sign in there. Raises ProviderAwayError."""
        endpoint = self._published.metadata().authorization_endpoint
        with self._session(return_to) as session:
            address, _ = session.create_authorization_url(
                endpoint, state=attempt.state, nonce=attempt.nonce, code_verifier=attempt.verifier
            )
        return str(address)

    def identify(self, attempt: Attempt, code: str, return_to: str) -> Identity:
        """Return whom the code that came back stands for. Raises ProviderAwayError, NotVouchedForError."""
        with self._session(return_to) as session:
            token = self._token(session, attempt, code)
            claims = self._claims(token, attempt)
            if "email" not in claims:
                claims = self._ask_more(session, claims)
        email = claims.get("email")
        verified = claims.get("email_verified") in (True, "true") and isinstance(email, str)  # Some write it as a text.
        return Identity(str(claims["iss"]), str(claims["sub"]), email if verified else None)

    def _session(self, return_to: str) -> OAuth2Session:
        posts = self._client_secret is not None and self._published.metadata().posts_secret
        way = "client_secret_post" if posts else "client_secret_basic"
        session = OAuth2Session(
            self._client_id,
            self._client_secret,
            token_endpoint_auth_method=way if self._client_secret else "none",
            scope="openid email profile",
            redirect_uri=return_to,
            code_challenge_method="S256",
        )
        for scheme in ("https://", "http://"):
            session.mount(scheme, GuardedAdapter(self._guard))
        return session

    def _token(self, session: OAuth2Session, attempt: Attempt, code: str) -> dict[str, Any]:
        endpoint = self._published.metadata().token_endpoint
        try:
            token = session.fetch_token(
                endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=attempt.verifier,
                timeout=SECONDS,
                allow_redirects=False,
            )
        except OAuthError:
            raise NotVouchedForError("The provider does not know this sign-in, or it was finished already.") from None
        except (requests.RequestException, ValueError, RecursionError) as error:  # So deep that no parser reads it.
            raise ProviderAwayError from error
        return dict(token)

    def _claims(self, token: dict[str, Any], attempt: Attempt) -> dict[str, Any]:
        """Return what the ID token says, once all that makes it say something has been checked."""
        id_token = token.get("id_token")
        if not isinstance(id_token, str):
            raise NotVouchedForError
        try:
            header = jwt.get_unverified_header(id_token)
            if header.get("alg") not in ALGORITHMS:
                raise NotVouchedForError
            claims = jwt.decode(
                id_token,
                self._published.key(header.get("kid")),
                algorithms=ALGORITHMS,
                audience=self._client_id,
                issuer=self._published.metadata().issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": list(_NEEDED)},
            )
            params = {"client_id": self._client_id, "nonce": attempt.nonce, "access_token": token.get("access_token")}
            CodeIDToken(claims, header, params=params).validate(leeway=_LEEWAY_SECONDS)
        except (jwt.PyJWTError, JoseError, ValueError, TypeError, RecursionError):
            raise NotVouchedForError from None
        if not hmac.compare_digest(str(claims["nonce"]).encode(), attempt.nonce.encode()):
            raise NotVouchedForError
        return claims

    def _ask_more(self, session: OAuth2Session, claims: dict[str, Any]) -> dict[str, Any]:
        """Add what the provider tells only on request, if it is about the same person."""
        endpoint = self._published.metadata().userinfo_endpoint
        if endpoint is None:
            return claims
        try:
            more = session.get(endpoint, timeout=SECONDS, allow_redirects=False).json()
        except (requests.RequestException, OAuthError, ValueError, RecursionError):
            raise ProviderAwayError from None
        if not isinstance(more, dict) or more.get("sub") != claims["sub"]:
            raise NotVouchedForError
        return {**more, **claims}
