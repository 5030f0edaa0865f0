"""Messages of Amazon SNS: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html.

A message is believed when it comes from a topic that the settings name and is signed with a certificate that Amazon's
own host of that topic's region hands out. The host is compared whole and to that region: `sns.s3.amazonaws.com`, say,
is a bucket that anybody could own.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, cast
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from config.telemetry import SNS_CERTIFICATE_EXPIRES
from domain.kernel.errors import GatehouseError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.aws_pages import AwsPages

Kind = Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]

_SIGNED: Final[Mapping[Kind, tuple[str, ...]]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
# SHA-1 is what topics sign with unless they are told otherwise.
_HASHES: Final = {"1": SHA1, "2": SHA256}
_CERTIFICATE_PATH: Final = re.compile(r"/[A-Za-z0-9._-]{1,200}\.pem")
_MOST_CERTIFICATES: Final = 8
_PATIENCE_SECONDS: Final = 2.0
"""How long a request waits while another one fetches a certificate; SNS repeats what it can't deliver."""


class SnsUnreadableError(InvalidInputError):
    """Not a message of Amazon SNS."""


class SnsRefusedError(GatehouseError):
    """A message that is not believed. The words say why, to the log alone."""


class SnsUnavailableError(GatehouseError):
    """Whether to believe a message can't be told now, or its subscription can't be confirmed now."""


@dataclass(frozen=True, slots=True)
class SnsMessage:
    """One message. `fields` are all its texts by name, as they were signed."""

    kind: Kind
    topic: str
    text: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)


def read_message(body: bytes) -> SnsMessage:
    """Return the message in a request's body. Raises SnsUnreadableError."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise SnsUnreadableError from None
    if not isinstance(document, dict):
        raise SnsUnreadableError
    fields = {name: value for name, value in document.items() if isinstance(value, str)}
    kind = cast("Kind", fields.get("Type"))
    needed = {*_SIGNED.get(kind, ("Type",)), "Signature", "SignatureVersion", "SigningCertURL"} - {"Subject"}
    if kind not in _SIGNED or not needed <= fields.keys():
        raise SnsUnreadableError
    return SnsMessage(kind, fields["TopicArn"], fields["Message"], fields)


class SnsVerifier:
    """Says whether a message is to be believed, and confirms subscriptions. Thread-safe.

    `topics` are the ARNs that may report; `now` returns the time, timezone-aware.
    """

    def __init__(
        self, topics: frozenset[str], pages: AwsPages, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._topics = topics
        self._pages = pages
        self._now = now
        self._certificates: dict[str, x509.Certificate] = {}
        self._fetching = threading.Lock()

    def verify(self, message: SnsMessage) -> None:
        """Return if the message is to be believed. Raises SnsRefusedError or SnsUnavailableError."""
        if message.topic not in self._topics:
            raise SnsRefusedError("Its topic is not one of GATEHOUSE_SES__TOPIC_ARNS.")
        algorithm = _HASHES.get(message.fields["SignatureVersion"])
        if algorithm is None:
            raise SnsRefusedError("Its signature has a version that is not known.")
        try:
            signature = base64.b64decode(message.fields["Signature"], validate=True)
        except (binascii.Error, ValueError):
            raise SnsRefusedError("Its signature can't be read.") from None
        certificate, key = self._signer(message)
        try:
            key.verify(signature, _canonical(message), PKCS1v15(), algorithm())
        except InvalidSignature:
            raise SnsRefusedError("Its signature is wrong.") from None
        SNS_CERTIFICATE_EXPIRES.set(certificate.not_valid_after_utc.timestamp())

    def confirm(self, message: SnsMessage) -> None:
        """Confirm the subscription that a verified message asks about. Raises as `verify` does."""
        url = message.fields["SubscribeURL"]
        _check_host(url, message.topic)
        query = parse_qs(urlsplit(url).query)
        if query.get("Action") != ["ConfirmSubscription"] or query.get("TopicArn") != [message.topic]:
            raise SnsRefusedError("Its address does not confirm a subscription to its topic.")
        self._pages.get(url)

    def _signer(self, message: SnsMessage) -> tuple[x509.Certificate, RSAPublicKey]:
        url = message.fields["SigningCertURL"]
        _check_host(url, message.topic)
        parts = urlsplit(url)
        if not _CERTIFICATE_PATH.fullmatch(parts.path) or parts.query or parts.fragment:
            raise SnsRefusedError("Its certificate's address is not one of Amazon SNS.")
        certificate = self._certificate(url)
        if not certificate.not_valid_before_utc <= self._now() <= certificate.not_valid_after_utc:
            self._certificates.pop(url, None)
            raise SnsRefusedError("Its certificate is not valid at this time.")
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise SnsRefusedError("Its certificate has not the kind of key that Amazon SNS signs with.")
        return certificate, key

    def _certificate(self, url: str) -> x509.Certificate:
        known = self._certificates.get(url)
        if known is not None:
            return known
        # One at a time: strangers who name certificates that do not exist get no more than one thread to wait in.
        if not self._fetching.acquire(timeout=_PATIENCE_SECONDS):
            raise SnsUnavailableError("Another certificate is being fetched.")
        try:
            known = self._certificates.get(url)
            return known if known is not None else self._fetch(url)
        finally:
            self._fetching.release()

    def _fetch(self, url: str) -> x509.Certificate:
        try:
            certificate = x509.load_pem_x509_certificate(self._pages.get(url))
        except ValueError:
            raise SnsRefusedError("Its certificate can't be read.") from None
        if len(self._certificates) >= _MOST_CERTIFICATES:
            self._certificates.clear()
        self._certificates[url] = certificate
        return certificate


def _canonical(message: SnsMessage) -> bytes:
    """Return what is signed: each field that is present, its name and its value on lines of their own."""
    signed = [name for name in _SIGNED[message.kind] if name in message.fields]
    return "".join(f"{name}\n{message.fields[name]}\n" for name in signed).encode("utf-8", "surrogatepass")


def _check_host(url: str, topic: str) -> None:
    """Raise SnsRefusedError unless a URL is one of Amazon SNS in the region of a topic."""
    _, partition, _, region, *_ = topic.split(":")
    suffix = ".com.cn" if partition == "aws-cn" else ".com"
    try:
        parts = urlsplit(url)
    except ValueError:
        raise SnsRefusedError("An address in it can't be read.") from None
    if parts.scheme != "https" or parts.netloc != f"sns.{region}.amazonaws{suffix}":
        raise SnsRefusedError("An address in it is not one of Amazon SNS in its topic's region.")
