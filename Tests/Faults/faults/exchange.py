# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""What visitors and services say to each other, so that each can tell whether a byte is missing, wrong or too many.

visitor: a head with a seed and two lengths          service: one byte, once the head is there
visitor: as many bytes of the seed, then its end     service: as many bytes of the next seed, then its end
"""

from __future__ import annotations

import functools
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

HEAD = struct.Struct(">4sIII")
MAGIC = b"RSTF"
GREETING = b"!"
CHUNK = 65536
# Repeats with this length, which no buffer has.
PERIOD = 65521


class Damaged(Exception):
    """A byte is missing, wrong or too many."""


class Cut(Damaged):
    """The end came too early."""


class Connection(Protocol):
    def sendall(self, data: bytes) -> None: ...
    def recv(self, length: int) -> bytes: ...


@dataclass(frozen=True)
class Plan:
    seed: int
    up: int = 1000
    down: int = 1000

    @property
    def head(self) -> bytes:
        return HEAD.pack(MAGIC, self.seed, self.up, self.down)

    @classmethod
    def read(cls, head: bytes) -> Plan:
        magic, *numbers = HEAD.unpack(head)
        if magic != MAGIC:
            raise Damaged(f"the head is {head!r}")
        return cls(*numbers)


@functools.lru_cache(maxsize=256)
def block(seed: int) -> bytes:
    return random.Random(seed).randbytes(PERIOD)


def content(seed: int, length: int, start: int = 0) -> Iterator[bytes]:
    """The bytes of a seed from a place on."""
    words, place = block(seed) * 2, start
    while place < length:
        offset = place % PERIOD
        part = words[offset : offset + min(CHUNK, PERIOD, length - place)]
        yield part
        place += len(part)


def read_exactly(connection: Connection, length: int) -> bytes:
    data = b""
    while len(data) < length:
        part = connection.recv(length - len(data))
        if not part:
            raise Cut(f"the end came after {len(data)} of {length} bytes")
        data += part
    return data


def verify(connection: Connection, seed: int, length: int) -> None:
    words, place = block(seed) * 2, 0
    while place < length:
        part = connection.recv(min(PERIOD, length - place))
        if not part:
            raise Cut(f"the end came after {place} of {length} bytes")
        offset = place % PERIOD
        if part != words[offset : offset + len(part)]:
            raise Damaged(f"a byte of {length} is wrong between {place} and {place + len(part)}")
        place += len(part)


def verify_end(connection: Connection) -> None:
    if extra := connection.recv(CHUNK):
        raise Damaged(f"{len(extra)} bytes came after the end")
