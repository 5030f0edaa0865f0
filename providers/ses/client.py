"""AWS's client of SES API v2 as it is used here."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from types_boto3_sesv2 import SESV2Client


def ses_client(*, connect_seconds: float, read_seconds: float, pool_size: int = 10) -> SESV2Client:
    """Return a client with limits of our own. Thread-safe.

    Credentials and endpoint are AWS's own variables; so is the region, of which this client's library reads only the
    older name. Raises botocore's NoRegionError without one.
    """
    # At debug level these write whole requests, with addresses and texts in them.
    for library in ("botocore", "boto3", "urllib3"):
        logging.getLogger(library).setLevel(logging.INFO)
    return boto3.session.Session(region_name=os.environ.get("AWS_REGION") or None).client(
        "sesv2",
        config=Config(
            connect_timeout=connect_seconds,
            read_timeout=read_seconds,
            # A send that may have succeeded must not be repeated by the client.
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=pool_size,
            user_agent_extra="gatehouse",
        ),
    )
