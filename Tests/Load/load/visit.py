# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""One visitor: it comes again until it is served, and then does what its kind does."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from .connection import Connection
from .kinds import Kind
from .pattern import differing
from .tally import Cut, Refused

if TYPE_CHECKING:
    from .crowd import Crowd

_numbers = itertools.count(1)
# Between two attempts of a refused visitor.
AGAIN = 0.005
# How long it comes again.
GIVE_UP = 60
LONGEST = 86_400
# A slow reader may have this much on its way when its stream is cut.
UNNOTICED = 120


class Place:
    """Of a held stream, and of the one that follows it."""

    moved_at = 0.0


class Visit:
    def __init__(self, crowd: Crowd, kind: Kind, seconds: float, place: Place):
        self.crowd, self.kind, self.tally = crowd, kind, crowd.tally
        self.endpoint = crowd.endpoints[kind.endpoint]
        self.number = next(_numbers)
        # What a service is told; the crowd's end comes earlier.
        self.seconds = min(seconds, LONGEST)
        self.deadline = time.monotonic() + seconds
        self.began = time.monotonic()
        self.is_held, self.place = seconds > 0, place
        self.connection: Connection | None = None
        self.first_refused: float | None = None
        self.excuse, self.excuse_ends = "", 0.0

    async def run(self) -> None:
        self.tally.visitors += 1
        try:
            while not await self.attempt():
                await asyncio.sleep(AGAIN)
        finally:
            self.crowd.forget(self.number)

    async def attempt(self) -> bool:
        """Whether the visitor comes no more."""
        self.began = time.monotonic()
        self.excused()
        try:
            await self.kind.act(self)
            self.tally.completed[self.kind.name] += 1
            return True
        except Refused as refused:
            return self.was_refused(str(refused))
        except Cut as cut:
            self.crowd.was_cut(self, cut)
            return True
        finally:
            if self.connection:
                self.connection.close()

    def was_refused(self, reason: str) -> bool:
        if self.first_refused is None:
            self.first_refused = self.began
            self.crowd.was_refused(reason)
        if self.began - self.first_refused < GIVE_UP:
            return False
        self.tally.never_served[f"{self.kind.name}: {reason}"] += 1
        return True

    def excused(self) -> None:
        """A cut is no wonder, if anything is done at the moment that cuts streams. What was done before may not have
        shown yet, and stays the reason, unless it cuts a known number of streams and this cuts any."""
        now = time.monotonic()
        excuse = self.crowd.excuse
        outweighs = self.excuse in self.crowd.bounded and excuse not in self.crowd.bounded
        if excuse and (self.excuse == excuse or self.excuse_ends <= now or outweighs):
            self.excuse, self.excuse_ends = excuse, now + UNNOTICED

    # For the kinds

    def asks(self) -> None:
        """Something begins that may be refused, although the connection has been served before."""
        self.began = time.monotonic()

    async def connect(self) -> Connection:
        self.connection = Connection(self.answered)
        await self.connection.open(self.endpoint)
        return self.connection

    def answered(self) -> None:
        self.moved()
        if self.first_refused is not None:
            self.crowd.was_served_after(self.began - self.first_refused)
            self.first_refused = None

    def moved(self) -> None:
        self.place.moved_at = time.monotonic()

    def check(self, position: int, data: bytes) -> None:
        self.moved()
        wrong = differing(self.number, position, data)
        self.tally.wrong += wrong
        self.tally.verified += len(data) - wrong

    def size(self) -> int:
        """Of the next bytes: a line now and then, or what comes in once."""
        return self.crowd.random.randint(1, 2048 if self.is_held else 16384)

    def expect(self) -> Awaitable[tuple[int, int]]:
        """What the service will say about this stream: bytes that came, and wrong ones."""
        return self.crowd.expect(self.number)

    async def goes_on(self) -> bool:
        """Whether there is more to do, after a pause."""
        if not self.is_over:
            await self.pause(self.crowd.random.uniform(0.1, 0.5))
        return not self.is_over

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.deadline or self.crowd.ending.is_set()

    async def pause(self, seconds: float) -> None:
        """As long as that, or until the crowd's end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.crowd.ending.wait()

