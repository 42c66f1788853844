# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""What is measured of every relay. All of them are alive at once and take turns, so that a slow minute of the machine
slows them all; memory is measured of each alone."""

from __future__ import annotations

import contextlib
import functools
import subprocess
import sys
import time
from dataclasses import dataclass

from .proxies import Direct, ResumingLimit
from .relay import Relay, started
from .scale import Scale
from .site import Network, Site, delayed_network
from .stage import Failure, Stage
from .table import Sheet
from .tools import Tools

GIBIBYTE, MEBIBYTE = 1024**3, 1024**2
# After the visitor's last byte a relay still closes; that is a part of what a stream costs.
SETTLE = 0.1
LANES = 16


@dataclass
class Bench:
    tools: Tools
    scale: Scale
    processors: list[int]
    chosen: list[type[Relay]]

    def without_resuming(self) -> list[type[Relay]]:
        """A resumed session differs in its handshake only."""
        return [relay_class for relay_class in self.chosen if relay_class is not ResumingLimit]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def each(sheets: list[Sheet], relays: dict[str, Relay], rounds: int, measure) -> None:
    """Rounds in which every relay has its turn. One that fails says so in its row and has no more turns."""
    for number in range(rounds):
        for name, relay in relays.items():
            if name in sheets[0].notes:
                continue
            say(f"  {sheets[0].title}, round {number + 1} of {rounds}: {name}")
            try:
                measure(name, relay)
            except (Failure, OSError, ValueError, subprocess.SubprocessError) as error:
                say(f"    {error}")
                for sheet in sheets:
                    sheet.notes[name] = str(error)


@contextlib.contextmanager
def stage_of(bench: Bench, classes: list[type[Relay]], sheets: list[Sheet], network: Network | None = None):
    """The relays that can be started; the others' rows say why they cannot."""
    with Stage(bench.processors) as stage:
        site = Site(stage, bench.tools, network or Network())
        relays: dict[str, Relay] = {}
        for relay_class in classes:
            try:
                relays[relay_class.name] = started(site, relay_class)
            except (Failure, OSError, subprocess.SubprocessError) as error:
                say(f"  {relay_class.name}: {error}")
                for sheet in sheets:
                    sheet.notes[relay_class.name] = str(error)
        yield relays


def load(relay: Relay, what: str, *numbers: int) -> dict:
    visitors = relay.load(what, *numbers)
    try:
        answer = visitors.line()
        if visitors.popen.wait(timeout=60):
            raise Failure(f"visitors ended with an error: {visitors.tail()}")
        return answer
    finally:
        visitors.stop()


class Clock:
    """Processor seconds of both halves of a relay while a body runs, until it has settled."""

    def __init__(self, relay: Relay):
        self.relay = relay

    def __enter__(self) -> Clock:
        self.near, self.far = self.read()
        return self

    def __exit__(self, *_) -> None:
        time.sleep(SETTLE)
        near, far = self.read()
        self.near, self.far = near - self.near, far - self.far

    def read(self) -> tuple[float, float]:
        halves = (self.relay.running, self.relay.far)
        return tuple(half.processor_seconds() if half else 0.0 for half in halves)


# MARK: Bytes


def bulk(bench: Bench) -> list[Sheet]:
    ways = [(way, count) for way in ("up", "down") for count in (1, LANES)]
    columns = [f"{way}, {count} stream{'s' if count > 1 else ''}" for way, count in ways]
    cost = Sheet("Many bytes", "CPU-s per GiB", columns)
    cost.text = "Up is towards the engine (encrypting), down is from it."
    far = Sheet("Many bytes, the other half", "CPU-s per GiB", columns)
    far.text = "What the engine, sshd or TLS service needs."
    speed = Sheet("Many bytes, speed", "MiB/s", columns)
    speed.text = "The slower of the two processors limits it."
    sheets, size = [cost, far, speed], bench.scale.bulk_bytes

    def measure(name: str, relay: Relay) -> None:
        for (way, count), column in zip(ways, columns):
            # A service behind a reverse tunnel sends up what its visitor gets.
            what = "source" if (way == "up") == relay.is_reverse else "sink"
            with Clock(relay) as clock:
                answer = load(relay, what, size, count)
            cost.add(name, column, clock.near / (size / GIBIBYTE))
            far.add(name, column, clock.far / (size / GIBIBYTE))
            speed.add(name, column, size / MEBIBYTE / answer["seconds"])

    with stage_of(bench, bench.without_resuming(), sheets) as relays:
        each(sheets, relays, bench.scale.rounds, measure)
    return sheets


# MARK: Streams


def streams(bench: Bench) -> list[Sheet]:
    columns = ["CPU-s per 1,000", "the other half's", "streams/s", "first byte, median ms", "99th percentile ms"]
    sheets = {
        1: Sheet("Short streams, one at a time", "of one byte", columns),
        LANES: Sheet(f"Short streams, {LANES} at a time", "of one byte", columns),
    }
    for sheet in sheets.values():
        sheet.text = "A stream opens, echoes a byte and closes. The slower of the two processors limits streams per second."
    count = bench.scale.streams

    def measure(name: str, relay: Relay) -> None:
        for lanes, sheet in sheets.items():
            with Clock(relay) as clock:
                answer = load(relay, "streams", count, lanes)
            per_thousand = 1000 / count
            values = [
                clock.near * per_thousand, clock.far * per_thousand, count / answer["seconds"],
                answer["median"] * 1000, answer["p99"] * 1000,
            ]  # fmt: skip
            for column, value in zip(columns, values):
                sheet.add(name, column, value)

    with stage_of(bench, bench.chosen, list(sheets.values())) as relays:
        each(list(sheets.values()), relays, bench.scale.rounds, measure)
    return list(sheets.values())


def held(bench: Bench) -> list[Sheet]:
    """What one more stream costs while so many others are open."""
    columns = [f"{count:,} open" for count in bench.scale.held]
    sheet = Sheet("A short stream while others are open", "CPU ms per stream", columns)
    count = bench.scale.held_streams

    def measure(name: str, relay: Relay) -> None:
        for others, column in zip(bench.scale.held, columns):
            with contextlib.ExitStack() as stack:
                if others:
                    holder = relay.load("hold", others)
                    stack.callback(holder.stop)
                    holder.line()
                with Clock(relay) as clock:
                    load(relay, "streams", count, LANES)
            sheet.add(name, column, clock.near * 1000 / count)
            # They close, and that is not a part of the next one's cost.
            time.sleep(0.2 + others / 5000)

    with stage_of(bench, bench.chosen, [sheet]) as relays:
        each([sheet], relays, bench.scale.slow_rounds, measure)
    return [sheet]


# MARK: Waiting


def ping(bench: Bench) -> list[Sheet]:
    columns = ["median µs", "99th percentile µs", "added, median µs"]
    sheet = Sheet("One byte there and back, on an open stream", "round trips", columns)
    sheet.text = "Added: less what it takes without a relay."
    without = 0.0

    def measure(name: str, relay: Relay) -> None:
        nonlocal without
        answer = load(relay, "ping", bench.scale.pings)
        median = answer["median"] * 1e6
        if name == Direct.name:
            without = median
        for column, value in zip(columns, (median, answer["p99"] * 1e6, median - without)):
            sheet.add(name, column, value)

    with stage_of(bench, [Direct, *bench.without_resuming()], [sheet]) as relays:
        each([sheet], relays, bench.scale.rounds, measure)
    return [sheet]


def first(bench: Bench) -> list[Sheet]:
    """Round trips above 0 need namespaces; that of 0 is the loopback."""
    trips = bench.scale.round_trips
    columns = [f"{trip:g} ms, {kind}" for trip in trips for kind in ("cold", "warm")]
    sheet = Sheet("First byte, by the round trip between agent and engine", "ms", columns)
    sheet.text = (
        "From a visitor's connect to the first byte of the answer. Cold: the first stream after the relay's start. "
        "Warm: one after another."
    )
    classes = [*bench.chosen, Direct]

    def measure_at(trip: float):
        def measure(name: str, relay: Relay) -> None:
            relay.stop()
            relay.start()
            # Programs are still busy with their start.
            time.sleep(0.3)
            sheet.add(name, f"{trip:g} ms, cold", load(relay, "first", 1, 0)["median"] * 1000)
            sheet.add(name, f"{trip:g} ms, warm", load(relay, "first", bench.scale.firsts, 5)["median"] * 1000)

        return measure

    if 0 in trips:
        with stage_of(bench, classes, [sheet]) as relays:
            each([sheet], relays, bench.scale.rounds, measure_at(0))
    delayed = [trip for trip in trips if trip > 0]
    if delayed:
        try:
            with Stage(bench.processors) as around, delayed_network(around) as (network, set_round_trip):
                with stage_of(bench, classes, [sheet], network) as relays:
                    for trip in delayed:
                        set_round_trip(trip)
                        each([sheet], relays, bench.scale.slow_rounds, measure_at(trip))
        except (Failure, OSError, subprocess.SubprocessError) as error:
            sheet.notes["networks with delay"] = str(error)
    return [sheet]


# MARK: Memory


def memory(bench: Bench) -> list[Sheet]:
    sheets = []
    for count, rounds in bench.scale.memory_streams:
        columns = ["idle, resident", "idle", f"{count:,} streams", "64 KiB later", "1 MiB later", "all closed"]
        sheets.append(sheet := Sheet(f"Memory, {count:,} streams", "MiB", columns))
        sheet.text = (
            "Anonymous memory of the process, without the kernel's buffers; resident: with the program itself. Each "
            f"stream has echoed a byte, then 64 KiB, then 1 MiB. Idle: {bench.scale.settled:g} s after the start. All closed: "
            f"{bench.scale.rest:g} s later."
        )
        for number in range(rounds):
            for relay_class in bench.without_resuming():
                if relay_class.name in sheet.notes:
                    continue
                say(f"  {sheet.title}, round {number + 1} of {rounds}: {relay_class.name}")
                with stage_of(bench, [relay_class], [sheet]) as relays:
                    each([sheet], relays, 1, functools.partial(fill, sheet, count, bench.scale))
    return sheets


def fill(sheet: Sheet, count: int, scale: Scale, name: str, relay: Relay) -> None:
    def note(column: str, field: str = "Pss_Anon") -> None:
        time.sleep(SETTLE)
        sheet.add(name, column, relay.running.memory(field) / MEBIBYTE)

    time.sleep(scale.settled)
    note(sheet.columns[0], "Rss")
    note(sheet.columns[1])
    holder = relay.load("hold", count)
    try:
        holder.line()
        note(sheet.columns[2])
        for column, size in ((sheet.columns[3], 64 * 1024), (sheet.columns[4], MEBIBYTE)):
            holder.order(f"echo {size}")
            note(column)
    finally:
        holder.stop()
    time.sleep(scale.rest)
    note(sheet.columns[5])


# MARK: Starting


def start(bench: Bench) -> list[Sheet]:
    columns = ["until a visitor can connect, ms", "CPU ms"]
    sheet = Sheet("Start", "of the program", columns)
    sheet.text = "Reverse tunnels also connect to their engine and open a tunnel."

    def measure(name: str, relay: Relay) -> None:
        relay.stop()
        began = time.perf_counter()
        relay.start()
        sheet.add(name, columns[0], (time.perf_counter() - began) * 1000)
        sheet.add(name, columns[1], relay.running.processor_seconds() * 1000)

    with stage_of(bench, bench.without_resuming(), [sheet]) as relays:
        each([sheet], relays, bench.scale.rounds, measure)
    return [sheet]
