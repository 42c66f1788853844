# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Bytes that say where they belong: what is lost, repeated or of another stream differs from what is expected."""

import random

# A prime, so that no buffer's size is a multiple of it.
SIZE = 65_521
LONGEST = 2 * SIZE
_block = random.Random(1).randbytes(SIZE) * 3


def part(stream: int, position: int, count: int) -> bytes:
    """At most LONGEST bytes of a stream, from this position on."""
    start = (stream * 7919 + position) % SIZE
    return _block[start : start + count]


def differing(stream: int, position: int, data: bytes) -> int:
    """How many bytes are not those of the stream."""
    wrong = 0
    for start in range(0, len(data), SIZE):
        piece = data[start : start + SIZE]
        expected = part(stream, position + start, len(piece))
        if piece != expected:
            wrong += sum(1 for one, other in zip(piece, expected, strict=True) if one != other)
    return wrong
