"""An Amazon SNS of our own: its certificate, signed messages, and the pages that it serves."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from api.sns import SnsUnavailableError
from domain.kernel.ids import new_id

TOPIC: Final = "arn:aws:sns:eu-west-1:123456789012:gatehouse"
HOST: Final = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE_URL: Final = f"{HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
_HASHES: Final = {"1": SHA1, "2": SHA256}
# The one to sign with takes a tenth of a second to make.
KEY: Final[RSAPrivateKey] = generate_private_key(public_exponent=65537, key_size=2048)


def certificate(
    key: RSAPrivateKey | ec.EllipticCurvePrivateKey = KEY,
    *,
    begins: timedelta = timedelta(days=-30),
    ends: timedelta = timedelta(days=30),
) -> bytes:
    """Return a certificate (PEM) for a key, signed by a certificate authority that is made for it."""
    authority = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A test authority")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .sign(authority, SHA256())
    )
    return made.public_bytes(Encoding.PEM)


@dataclass
class Pages:
    """Implements `api.aws_pages.AwsPages` with pages of its own; what it has not can't be fetched."""

    pages: dict[str, bytes] = field(default_factory=lambda: {CERTIFICATE_URL: certificate()})
    fetched: list[str] = field(default_factory=list)

    def get(self, url: str) -> bytes:
        self.fetched.append(url)
        if url not in self.pages:
            raise SnsUnavailableError("There is no such page.")
        return self.pages[url]


def signed(document: dict[str, Any], *, version: str = "1", key: RSAPrivateKey = KEY) -> dict[str, Any]:
    """Return a message with its signature, over the fields that AWS documents for its type."""
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    if document["Type"] == "Notification":
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    text = "".join(f"{name}\n{document[name]}\n" for name in names if name in document)
    signature = key.sign(text.encode(), PKCS1v15(), _HASHES[version]())
    return document | {
        "SignatureVersion": version,
        "Signature": base64.b64encode(signature).decode(),
        "SigningCertURL": CERTIFICATE_URL,
    }


def notification(text: str, **changes: str) -> dict[str, Any]:
    """Return a notification without its signature."""
    return {
        "Type": "Notification",
        "MessageId": str(new_id()),
        "TopicArn": TOPIC,
        "Subject": "Amazon SES Email Event Notification",
        "Message": text,
        "Timestamp": "2026-11-21T17:05:03.123Z",
        "UnsubscribeURL": f"{HOST}/?Action=Unsubscribe&SubscriptionArn={TOPIC}:c9135db0",
    } | changes


def confirmation(kind: str = "SubscriptionConfirmation", **changes: str) -> dict[str, Any]:
    """Return a request to confirm a subscription, or word that one has ended, without its signature."""
    return {
        "Type": kind,
        "MessageId": str(new_id()),
        "Token": "2336412f37fb687f5d51e6e2425a8a5871b83acf81ce4ab",
        "TopicArn": TOPIC,
        "Message": f"You have chosen to subscribe to the topic {TOPIC}.\nTo confirm, visit the SubscribeURL.",
        "SubscribeURL": subscribe_url(),
        "Timestamp": "2026-11-21T17:05:03.123Z",
    } | changes


def subscribe_url(action: str = "ConfirmSubscription", topic: str = TOPIC) -> str:
    """Return the address that confirms a subscription."""
    return f"{HOST}/?{urlencode({'Action': action, 'TopicArn': topic, 'Token': '2336412f37fb687f5d51e6e2425a8a58'})}"


def encoded(document: dict[str, Any]) -> bytes:
    """Return a message as SNS posts it."""
    return json.dumps(document, indent=2).encode()
