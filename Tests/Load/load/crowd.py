# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Many visitors at once: some streams are held, and new ones come at an even rate."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Sequence

from benchmark.stage import Failure

from .connection import Endpoint
from .kinds import HELD, SHORT, Kind
from .programs import Upstream
from .tally import Cut, Tally
from .visit import LONGEST, Place, Visit
from .waiting import until

# A visitor that is late by more than this does not come: the load is even, and no burst.
LATE = 1


def lives(random: random.Random) -> float:
    """Half of the held streams last until the end, so that old processes have some; the others are made anew."""
    return LONGEST if random.random() < 0.5 else random.uniform(5, 60)


class Crowd:
    """As a context: from its start until all visitors have left, in order."""

    def __init__(
        self, endpoints: dict[str, Endpoint], upstreams: Sequence[Upstream], *, held: Sequence[Kind] = HELD,
        short: Sequence[Kind] = SHORT, rate: float = 50, lives: Callable[[random.Random], float] = lives,
        seed: int = 1, tally: Tally | None = None,
    ):  # fmt: skip
        self.endpoints, self.upstreams = endpoints, upstreams
        self.held, self.short, self.rate, self.lives = held, short, rate, lives
        self.places: list[Place] = []
        self.random, self.tally, self.ending = random.Random(seed), tally or Tally(), asyncio.Event()
        # Why streams may be cut at the moment, and which reasons are good for a known number of streams only.
        self.excuse, self.bounded = "", set()
        self.tasks: set[asyncio.Task] = set()
        self.visits: set[Visit] = set()
        self.expected: dict[int, asyncio.Future] = {}
        self.failure: BaseException | None = None

    async def __aenter__(self):
        for upstream in self.upstreams:
            upstream.on_result = self.told
        for kind in self.held:
            for _ in range(kind.share):
                self.places.append(Place())
                self.begin(self.hold(kind, self.places[-1]))
        self.begin(self.arrive())
        try:
            await self.wait_until_moved()
        except Failure as failure:
            await self.drop()
            raise Failure(f"{failure}: {self.tally.reasons() or 'no visitor is refused'}") from None
        except BaseException:
            await self.drop()
            raise
        return self

    async def __aexit__(self, kind, *_) -> None:
        if kind is None:
            await self.finish()
        else:
            await self.drop()

    async def wait_until_moved(self) -> None:
        """Each place of a held stream has carried something from now on. A stream that ends leaves it to a new one."""
        since = time.monotonic()
        what = f"bytes on each of {len(self.places)} streams"
        await until(what, lambda: self.goes_on() and all(place.moved_at > since for place in self.places))

    async def wait_for_visitors(self, count: int) -> None:
        """So many more have come and gone."""
        before = self.tally.ended
        await until(f"{count} visitors", lambda: self.goes_on() and self.tally.ended >= before + count)

    def goes_on(self) -> bool:
        """A mistake of this program is said at once."""
        if self.failure:
            raise self.failure
        return True

    @contextlib.contextmanager
    def excused(self, reason: str, bounded: bool = False):
        """For visitors that are there, or come, while something is done that cuts streams, or a known number of them."""
        self.excuse = reason
        if bounded:
            self.bounded.add(reason)
        for visit in self.visits:
            visit.excused()
        try:
            yield
        finally:
            for visit in self.visits:
                if visit.excuse:
                    visit.excused()
            self.excuse = ""

    async def finish(self) -> None:
        self.ending.set()
        deadline = time.monotonic() + 90
        while self.tasks:
            for upstream in self.upstreams:
                upstream.end_streams()
            await asyncio.wait(self.tasks, timeout=0.2)
            if time.monotonic() > deadline:
                left = sorted({visit.kind.name for visit in self.visits})
                await self.drop()
                raise Failure(f"visitors do not end: {', '.join(left)}")
        self.goes_on()

    async def drop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    # Who comes

    def begin(self, work: Awaitable) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.ended)

    def ended(self, task: asyncio.Task) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and task.exception():
            self.failure = self.failure or task.exception()

    async def visit(self, kind: Kind, seconds: float = 0, place: Place | None = None) -> None:
        visit = Visit(self, kind, seconds, place or Place())
        self.visits.add(visit)
        try:
            await visit.run()
        finally:
            self.visits.discard(visit)

    async def hold(self, kind: Kind, place: Place) -> None:
        while not self.ending.is_set():
            await self.visit(kind, self.lives(self.random), place)

    async def arrive(self) -> None:
        due, weights = time.monotonic(), [kind.share for kind in self.short]
        while not self.ending.is_set():
            due = max(due + 1 / self.rate, time.monotonic() - LATE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(asyncio.get_running_loop().time() + due - time.monotonic()):
                    await self.ending.wait()
            if not self.ending.is_set():
                self.begin(self.visit(self.random.choices(self.short, weights)[0]))

    # What they report

    def was_cut(self, visit: Visit, cut: Cut) -> None:
        if visit.excuse and time.monotonic() < visit.excuse_ends:
            self.tally.excused[visit.excuse] += 1
        else:
            self.tally.cut[f"{visit.kind.name}: {cut}"] += 1
            self.tally.lost += cut.lost

    def was_refused(self, reason: str) -> None:
        self.tally.refused[reason] += 1

    def was_served_after(self, seconds: float) -> None:
        self.tally.longest_refusal = max(self.tally.longest_refusal, seconds)

    def expect(self, number: int) -> asyncio.Future:
        return self.expected.setdefault(number, asyncio.get_running_loop().create_future())

    def told(self, number: int, received: int, wrong: int) -> None:
        if (future := self.expected.get(number)) and not future.done():
            future.set_result((received, wrong))

    def forget(self, number: int) -> None:
        if future := self.expected.pop(number, None):
            future.cancel()
