# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""How much of everything: a run whose figures count, a shorter one, and one that shows that the benchmark runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    rounds: int = 5
    # Of measures that take long, and whose samples differ little.
    slow_rounds: int = 3
    bulk_bytes: int = 1024**3
    streams: int = 2000
    held: tuple[int, ...] = (0, 100, 1000, 8000)
    held_streams: int = 500
    pings: int = 10_000
    firsts: int = 30
    # Milliseconds.
    round_trips: tuple[float, ...] = (0, 10, 50)
    # With the number of rounds, which take minutes each.
    memory_streams: tuple[tuple[int, int], ...] = ((1000, 3), (5000, 1))
    # Seconds after the start: the daemon gives back what only the start needs.
    settled: float = 12
    # Seconds after a burst: it gives memory back within half a minute.
    rest: float = 35
    tunnels: tuple[int, ...] = (1, 100, 1000, 10_000)
    # Seconds after they are online, and how long an idle daemon is watched.
    idle: float = 5
    reload_tunnels: int = 1000


FULL = Scale()
SHORT = Scale(
    rounds=3, slow_rounds=1, bulk_bytes=256 * 1024**2, streams=1000, held=(0, 100, 1000, 8000), held_streams=300, pings=3000,
    firsts=12, memory_streams=((1000, 1), (5000, 1)), tunnels=(1, 100, 1000, 10_000), idle=7,
)  # fmt: skip
QUICK = Scale(
    rounds=1, slow_rounds=1, bulk_bytes=64 * 1024**2, streams=200, held=(0, 50), held_streams=100, pings=500, firsts=3,
    round_trips=(0, 10), memory_streams=((50, 1),), settled=0.5, rest=0.5, tunnels=(1, 100), idle=0.5, reload_tunnels=100,
)  # fmt: skip
