"""What each rival's worker does: ask the provider to send the answer to a text, and record it. No framework in here."""

from __future__ import annotations

import os
from typing import Final

import psycopg
import requests

ANSWER: Final = "We are open Monday to Friday from 8 to 18, and Saturday from 9 to 13."
_CONNECT_SECONDS, _READ_SECONDS = 5, 10


def prepare(database_url: str) -> None:
    """Create the table of what was sent."""
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE sent (inbound_sid text PRIMARY KEY, provider_sid text NOT NULL)")
        connection.execute("GRANT SELECT, INSERT ON sent TO gatehouse_app")


def answer(inbound_sid: str, sender: str, recipient: str) -> None:
    """Answer a text, unless that is on record. Raises for everything that went wrong, so that the queue tries again."""
    with psycopg.connect(os.environ["RIVAL_DATABASE_URL"], connect_timeout=5) as connection:
        if connection.execute("SELECT 1 FROM sent WHERE inbound_sid = %s", [inbound_sid]).fetchone():
            return
    sid = os.environ["RIVAL_ACCOUNT_SID"]
    response = requests.post(
        f"{os.environ['RIVAL_PROVIDER_URL']}/2010-04-01/Accounts/{sid}/Messages.json",
        {"To": sender, "From": recipient, "Body": ANSWER},
        auth=(sid, os.environ["RIVAL_AUTH_TOKEN"]),
        timeout=(_CONNECT_SECONDS, _READ_SECONDS),
    )
    response.raise_for_status()
    with psycopg.connect(os.environ["RIVAL_DATABASE_URL"], connect_timeout=5) as connection:
        connection.execute(
            "INSERT INTO sent VALUES (%s, %s) ON CONFLICT DO NOTHING", [inbound_sid, response.json()["sid"]]
        )
