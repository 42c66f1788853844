# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""What visitors do. Each checks every byte that it gets, and goes on until its time is over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .connection import Exchange
from .pattern import part
from .service import CHUNK, DIGITS
from .tally import Cut

if TYPE_CHECKING:
    from .visit import Visit

# A slow reader: what it does not take waits on the whole way.
READ_PAUSE = 0.25


async def echo(visit: Visit) -> None:
    connection = await visit.connect()
    await connection.write(b"echo %d\n" % visit.number)
    position = 0
    while True:
        data = part(visit.number, position, visit.size())
        await connection.write(data)
        visit.check(position, await connection.exactly(len(data)))
        position += len(data)
        if not await visit.goes_on():
            break
    connection.finish()
    await connection.end()


async def leave(visit: Visit) -> None:
    """Resets its connection while bytes are on their way."""
    connection = await visit.connect()
    data = part(visit.number, 0, visit.size())
    await connection.write(b"echo %d\n%b" % (visit.number, data))
    visit.check(0, await connection.exactly(1))
    connection.reset()


async def down(visit: Visit) -> None:
    """Has ended its half, and gets more and more."""
    connection = await visit.connect()
    await connection.write(b"down %d %.1f\n" % (visit.number, visit.seconds))
    connection.finish()
    position, held, trailer = 0, b"", 3 + DIGITS
    while data := await connection.read():
        held += data
        if len(held) > trailer:
            known, held = held[:-trailer], held[-trailer:]
            visit.check(position, known)
            position += len(known)
        visit.moved()
    if not held.startswith(b"END"):
        raise connection.failure("ended")
    if lost := int(held[3:]) - position:
        raise Cut("bytes are missing", lost)


async def up(visit: Visit) -> None:
    """Sends on when the service has ended its half."""
    connection = await visit.connect()
    await connection.write(b"up %d\n" % visit.number)
    await connection.exactly(3)
    await connection.end()
    result, position = visit.expect(), 0
    while True:
        data = part(visit.number, position, visit.size())
        await connection.write(data)
        position += len(data)
        # All that can be seen from here; whether they came is known at the end.
        visit.moved()
        if not await visit.goes_on():
            break
    connection.finish()
    # The service says what came, and the connection says when it has.
    async with connection.step("the service's count"):
        received, wrong = await result
    visit.tally.verified += received
    visit.tally.wrong += wrong
    if received != position:
        raise Cut("bytes are missing", position - received)


async def page(visit: Visit) -> None:
    """Requests on one connection."""
    connection = await visit.connect()
    exchange = Exchange(connection, visit.endpoint.name)
    while True:
        count = visit.size()
        visit.asks()
        await exchange.ask(f"/bytes/{visit.number}/{count}")
        data = await exchange.body()
        visit.check(0, data)
        if len(data) != count:
            raise Cut("bytes are missing", count - len(data))
        if not await visit.goes_on() or exchange.is_last:
            break


async def upgraded(visit: Visit) -> None:
    """The handshake of a WebSocket; the bytes after it are no frames, which no relay looks at."""
    connection = await visit.connect()
    await Exchange(connection, visit.endpoint.name).ask(
        f"/echo/{visit.number}", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", status=101,
    )  # fmt: skip
    position = 0
    while True:
        data = part(visit.number, position, visit.size())
        await connection.write(data)
        visit.check(position, await connection.exactly(len(data)))
        position += len(data)
        if not await visit.goes_on():
            break


async def events(visit: Visit) -> None:
    """An EventSource."""
    connection = await visit.connect()
    exchange = Exchange(connection, visit.endpoint.name)
    await exchange.ask(f"/events/{visit.number}/{visit.seconds:.1f}", "Accept: text/event-stream")
    text, count = b"", 0
    while data := await exchange.chunk():
        text += data
        *whole, text = text.split(b"\n\n")
        for event in whole:
            if event == b"event: end\ndata: %d" % count:
                count = -1
            elif event == b"id: %d\ndata: %d" % (count, visit.number):
                count += 1
            else:
                visit.tally.wrong += len(event)
                raise Cut(f"event {count} is another one")
            visit.tally.verified += len(event)
        visit.moved()
    if count != -1:
        raise Cut("the last event is missing")


async def download(visit: Visit) -> None:
    connection = await visit.connect()
    exchange = Exchange(connection, visit.endpoint.name)
    await exchange.ask(f"/download/{visit.number}/{visit.seconds:.1f}")
    position = 0
    while data := await exchange.chunk():
        visit.check(position, data)
        position += len(data)
        # What waits on the way at the end would take minutes.
        if not visit.is_over:
            await visit.pause(READ_PAUSE)
    if position % CHUNK:
        raise Cut("bytes are missing", CHUNK - position % CHUNK)


@dataclass(frozen=True)
class Kind:
    name: str
    endpoint: str
    act: Callable[[Visit], Awaitable[None]]
    # How many are held, or how likely a new one is of this kind.
    share: int


HELD = (
    Kind("TCP echo", "raw", echo, 50),
    Kind("TCP, the visitor's half has ended", "raw", down, 25),
    Kind("TCP, the service's half has ended", "raw", up, 25),
    Kind("HTTP/1.1 keep-alive", "web", page, 40),
    Kind("upgraded (WebSocket)", "web", upgraded, 20),
    Kind("EventSource", "web", events, 20),
    Kind("download, read slowly", "web", download, 20),
)
SHORT = (Kind("short TCP", "raw", echo, 1), Kind("short HTTP", "web", page, 1))
