"""What is right and wrong with the account of Amazon SES, in words, for `gatehouse doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from providers.ses.client import ses_client

if TYPE_CHECKING:
    from types_boto3_sesv2 import SESV2Client

_SECONDS: Final = 3.0


class Observation(NamedTuple):
    """What was found; with a remedy it is a problem."""

    found: str
    remedy: str = ""


def inspect(from_address: str, configuration_set: str | None) -> Iterator[Observation]:
    """Ask SES about the account, the sender and the configuration set. Sends nothing, never raises."""
    try:
        client = ses_client(connect_seconds=_SECONDS, read_seconds=_SECONDS)
        yield from _account(client)
        yield from _sender(client, from_address)
        yield from _configuration(client, configuration_set)
    except NoRegionError:
        yield Observation("ses: no region is named", "Set AWS_REGION.")
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        yield Observation(f"ses refuses to tell ({code})", "Check AWS's credentials and their policy: docs/email.md.")
    except BotoCoreError as error:
        yield Observation(
            f"ses can't be asked ({type(error).__name__})", "Check AWS's credentials, region and network."
        )


def _account(client: SESV2Client) -> Iterator[Observation]:
    account = client.get_account()
    rate = account.get("SendQuota", {}).get("MaxSendRate", 0.0)
    yield Observation(
        f"ses in {client.meta.region_name}, {rate:g} e-mails a second",
        ""
        if account.get("SendingEnabled")
        else "Sending is paused for the account; see the SES console for the reason.",
    )
    if not account.get("ProductionAccessEnabled"):
        yield Observation(
            "the account is in the sandbox of SES: it sends to verified addresses only",
            "Ask AWS for production access, in the SES console.",
        )


def _sender(client: SESV2Client, from_address: str) -> Iterator[Observation]:
    verified = _is_verified(client, from_address) or _is_verified(client, from_address.rpartition("@")[2])
    yield Observation(
        "the sender is verified" if verified else "neither the sender's address nor its domain is verified",
        "" if verified else "Verify it in the SES console, or correct GATEHOUSE_SES__FROM_ADDRESS.",
    )


def _is_verified(client: SESV2Client, identity: str) -> bool:
    try:
        return client.get_email_identity(EmailIdentity=identity).get("VerifiedForSendingStatus", False)
    except client.exceptions.NotFoundException:
        return False


def _configuration(client: SESV2Client, configuration_set: str | None) -> Iterator[Observation]:
    if configuration_set is None:
        yield Observation(
            "no configuration set: reports carry no attempt's id, so a lost answer can't be cleared up",
            "Make one that reports to a topic and set GATEHOUSE_SES__CONFIGURATION_SET: docs/email.md.",
        )
        return
    try:
        found = client.get_configuration_set_event_destinations(ConfigurationSetName=configuration_set)
    except client.exceptions.NotFoundException:
        yield Observation("the configuration set does not exist", "Correct GATEHOUSE_SES__CONFIGURATION_SET.")
        return
    topics = [each for each in found.get("EventDestinations", []) if each.get("Enabled") and each.get("SnsDestination")]
    yield Observation(
        f"the configuration set reports to {len(topics)} topic{'' if len(topics) == 1 else 's'}",
        "" if topics else "Add an event destination of type Amazon SNS to it: docs/email.md.",
    )
