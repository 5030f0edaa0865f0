"""Entries one after another in a file, so that what a crash has torn off at the end is told from what is whole.

A frame is the payload's length and CRC-32, four bytes each, most significant first, and the payload.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

HEAD: Final = struct.Struct(">II")
LONGEST: Final = 1 << 20
"""Bytes of a payload. A webhook has at most 64 KiB; a length beyond this is not one."""


def frame(payload: bytes) -> bytes:
    """Return a payload as it is written. Raises ValueError for one that would not be read again."""
    if not 0 < len(payload) <= LONGEST:
        raise ValueError(f"An entry has 1 to {LONGEST} bytes.")
    return HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def payloads(written: bytes) -> Iterator[bytes]:
    """Return the payloads in order, up to the first frame that is not whole. What follows it was never confirmed."""
    at = 0
    while at + HEAD.size <= len(written):
        length, checksum = HEAD.unpack_from(written, at)
        at += HEAD.size
        payload = written[at : at + length]
        # A length of zero would make entries of the zeros that a file system may leave behind.
        if not 0 < length <= LONGEST or len(payload) < length or zlib.crc32(payload) != checksum:
            return
        at += length
        yield payload
