# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The laps of a run, the rests between them, and what is claimed at the end."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import Iterator

from benchmark.stage import Failure
from load.claims import Report
from load.waiting import until

from .acts import ACTS, TAKE_OVER, Act, perform
from .samples import MEBIBYTE, RULE, Flatness, Peak, Sample
from .world import World

COLUMNS = (
    "Lap", "Visitors", "Acts", "Process", "MiB under load (anonymous, resident)", "Processes, descriptors, threads",
    "MiB at rest (anonymous, resident)", "Descriptors, threads at rest",
)  # fmt: skip
LAPS = range(4, 13)
SAMPLES = 1
# Memory comes back within half a minute, and prewarmed connections end after some seconds.
REST = 60
# The first rest is a measure for the others: what stays the same for this long.
STEADY = 8
# What goes on between two acts.
VISITORS = 100


def listed(counter: Counter[str]) -> str:
    return ", ".join(f"{count:,} × {name}" for name, count in sorted(counter.items())) or "none"


class Journey:
    def __init__(self, world: World, minutes: float, report: Report):
        self.world, self.report = world, report
        self.laps = min(max(round(minutes), LAPS.start), LAPS.stop - 1)
        self.seconds = minutes * 60 / self.laps
        self.done: Counter[str] = Counter()
        self.cards: list[Act] = []

    async def run(self) -> None:
        await self.world.start()
        self.flatness = Flatness(await self.steady())
        for number in range(1, self.laps + 1):
            await self.lap(number)
        await self.account()
        await self.world.daemon.stop()

    async def lap(self, number: int) -> None:
        # In the first half a lap begins with a take-over, which has the lap's oldest streams in the old process.
        acts = itertools.chain([TAKE_OVER], self.acts(TAKE_OVER)) if number <= self.laps // 2 else self.acts()
        before, done = self.world.tally.visitors, self.done.total()
        peak = Peak()
        end = time.monotonic() + self.seconds
        watching = asyncio.create_task(self.watch(peak))
        try:
            async with self.world.gather() as crowd:
                while time.monotonic() < end:
                    act = next(acts)
                    self.report.say(act.name)
                    self.done[act.name] += 1
                    await perform(act, self.world)
                    await crowd.wait_for_visitors(VISITORS)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
        sample, obstacles = await self.rest()
        self.report.row(
            f"{number}", f"{self.world.tally.visitors - before:,}", f"{self.done.total() - done}", f"{sample.pid}",
            f"{peak.anonymous / MEBIBYTE:.1f}, {peak.resident / MEBIBYTE:.1f}",
            f"{peak.processes}, {peak.descriptors}, {peak.threads}",
            f"{sample.anonymous / MEBIBYTE:.1f}, {sample.resident / MEBIBYTE:.1f}",
            f"{sample.descriptors}, {sample.threads}",
        )  # fmt: skip
        self.report.claim(f"lap {number}: the daemon is flat at rest", not obstacles, "; ".join(obstacles))

    def acts(self, *more: Act) -> Iterator[Act]:
        """All of them, as often as their weights say, before any comes again."""
        while True:
            if not self.cards:
                self.cards = [act for act in (*ACTS, *more) for _ in range(act.weight)]
                self.world.random.shuffle(self.cards)
            act = self.cards.pop()
            if act is not TAKE_OVER or more:
                yield act

    async def watch(self, peak: Peak) -> None:
        """Of the daemon and of the processes that it has taken over from."""
        while True:
            with contextlib.suppress(OSError, ValueError, TimeoutError):
                daemon = (await self.world.daemon.status())["daemon"]
                pids = [daemon["pid"], *(process["pid"] for process in daemon["previous"])]
                peak.add([sample for sample in map(Sample.of, pids) if sample])
            await asyncio.sleep(SAMPLES)

    async def rest(self) -> tuple[Sample, list[str]]:
        self.world.configure()
        await self.world.daemon.reload()
        await until("the end of all streams", self.is_quiet)
        if self.flatness.first is None:
            sample = await self.steady()
            self.flatness.first = sample
            return sample, self.flatness.obstacles(sample)
        pid, deadline = await self.world.daemon.pid(), time.monotonic() + REST
        while True:
            sample = self.sample(pid)
            obstacles = self.flatness.obstacles(sample)
            if not obstacles or time.monotonic() >= deadline:
                return sample, obstacles
            await asyncio.sleep(SAMPLES)

    async def is_quiet(self) -> bool:
        status = await self.world.daemon.status()
        return not status["streams"]["active"] and not status["daemon"]["previous"]

    async def steady(self) -> Sample:
        """What stays for a while."""
        pid, deadline = await self.world.daemon.pid(), time.monotonic() + REST
        same = time.monotonic()
        last = self.sample(pid)
        while time.monotonic() < min(deadline, same + STEADY):
            await asyncio.sleep(SAMPLES)
            sample = self.sample(pid)
            if sample.descriptors != last.descriptors or sample.threads != last.threads:
                same = time.monotonic()
            last = sample
        return last

    def sample(self, pid: int) -> Sample:
        if sample := Sample.of(pid):
            return sample
        raise Failure("the daemon has ended")

    # MARK: What is claimed

    async def account(self) -> None:
        world, tally, report = self.world, self.world.tally, self.report
        report.line(f"{tally.visitors:,} visitors, {tally.verified / 2**30:.2f} GiB verified.")
        report.line(f"Completed: {listed(tally.completed)}.")
        report.line(f"Acts: {listed(self.done)}.")
        report.line(f"Streams that were cut by an act: {listed(tally.excused)}.")
        report.line(f"{tally.all_refused:,} visitors were refused at first, for {tally.longest_refusal:.1f} s at most.")
        if reasons := tally.reasons():
            report.line(f"Reasons: {reasons}.")
        report.line(RULE)
        report.whole("all laps", tally)
        report.claim("every visitor's fate is known", tally.visitors == tally.ended, f"{tally.visitors - tally.ended}")
        for act in ACTS:
            cut, most = tally.excused[act.name], act.cuts * self.done[act.name] if self.done[act.name] else 0
            report.claim(f"{act.name}: no more streams are cut than have to be", cut <= most, f"{cut}")
        await self.compare()

    async def compare(self) -> None:
        """The daemon's counters go on across take-overs, and are not less than what visitors saw."""
        outcomes, status = await self.world.outcomes(), await self.world.daemon.status()
        totals = {tunnel["name"]: tunnel["streams"]["total"] for tunnel in status["tunnels"]}
        for name, total in totals.items():
            counted = outcomes.get(name, {})
            self.report.line(
                f"The daemon about {name}: {total:,} streams, "
                f"{listed(Counter({outcome: count for outcome, count in counted.items() if count}))}."
            )  # fmt: skip
            self.report.claim(
                f"{name}: each of the daemon's streams has one outcome", sum(counted.values()) == total,
                f"{sum(counted.values()):,} outcomes of {total:,} streams",
            )  # fmt: skip
        for owner in ("raw", "local"):
            # An engine that is killed may have given a visitor everything, and not have said so.
            seen, counts = self.world.completed(owner), outcomes.get(owner, {})
            counted = counts.get("completed", 0) + counts.get("lost", 0)
            self.report.claim(
                f"{owner}: the daemon has counted what visitors completed", counted >= seen,
                f"{counted:,} counted, {seen:,} completed",
            )  # fmt: skip
