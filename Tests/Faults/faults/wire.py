# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Frames of the protocol (PROTOCOL.md §2), written by hand, so that a case can write wrong ones."""

from __future__ import annotations

from collections.abc import Iterator

# The kinds of messages, which are the fields of `Message`.
OPEN_CHANNEL, CHANNEL_OPEN, CLOSE_CHANNEL, CHANNEL_CLOSED = 1, 2, 3, 4
OPEN_TUNNEL, TUNNEL_OPEN, CLOSE_TUNNEL, TUNNEL_CLOSED = 5, 6, 7, 8
OFFER, OFFER_ANSWER, PROXY = 9, 10, 11
HEARTBEAT, SERVER_MESSAGE, DATAGRAMS_CLOSED = 15, 16, 17
MOST = 65535


def varint(number: int) -> bytes:
    data = b""
    while number > 0x7F:
        data += bytes([number & 0x7F | 0x80])
        number >>= 7
    return data + bytes([number])


def number(place: int, value: int) -> bytes:
    return varint(place << 3) + varint(value)


def chunk(place: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return varint(place << 3 | 2) + varint(len(data)) + data


def wrapped(place: int, value: bytes | str | int | bool) -> bytes:
    """A wrapper message, whose presence counts."""
    inner = number(1, int(value)) if isinstance(value, int) else chunk(1, value)
    return chunk(place, inner)


def frame(kind: int, content: bytes = b"") -> bytes:
    return raw_frame(chunk(kind, content))


def raw_frame(payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + payload


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message, in their order."""
    place = 0

    def read() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while place < len(data):
        key = read()
        match key & 7:
            case 0:
                yield key >> 3, read()
            case 2:
                length = read()
                yield key >> 3, data[place : place + length]
                place += length
            case 5:
                yield key >> 3, data[place : place + 4]
                place += 4
            case 1:
                yield key >> 3, data[place : place + 8]
                place += 8
            case other:
                raise ValueError(f"wire type {other}")


def field(data: bytes, *path: int) -> bytes | int | None:
    """The last field at this path, as protobuf wants it."""
    found: bytes | int | None = data
    for place in path:
        if not isinstance(found, bytes):
            return None
        found = dict(fields(found)).get(place)
    return found


def text(data: bytes, *path: int) -> str:
    found = field(data, *path)
    return found.decode() if isinstance(found, bytes) else ""


# What an engine says.


def channel_open(interval: int) -> bytes:
    liveness = number(1, interval) + number(2, max(3 * interval, 5000))
    return frame(CHANNEL_OPEN, chunk(1, chunk(1, "scripted") + chunk(3, liveness)))


def tunnel_open(request: str, identity: str, properties: bytes = b"") -> bytes:
    return frame(TUNNEL_OPEN, chunk(1, request) + chunk(2, properties + wrapped(1, identity)))


def offer(
    tunnel: str | bytes, stream: str | bytes, secret: str | bytes | None = "secret", source: bytes | None = None
) -> bytes:
    content = chunk(1, tunnel) + chunk(2, stream)
    if secret is not None:
        content += wrapped(3, secret)
    if source is not None:
        content += chunk(4, source)
    return frame(OFFER, content)
