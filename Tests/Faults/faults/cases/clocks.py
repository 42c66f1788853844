# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The clocks jump, and the daemon itself stands still."""

import struct
import time
from pathlib import Path

from ..case import Report, case
from ..stage import BACK, LIVENESS, Stage
from ..waiting import until
from ..world import World, command

THEME = "Time"
HOUR, YEAR = 3600, 365 * 86400


class Clocks:
    """The daemon's clocks, which the case moves; see clock.c."""

    def __init__(self, world: World):
        self.file = world.folder / "clocks"
        self.file.write_bytes(bytes(16))
        library = world.folder / "clock.so"
        source = Path(__file__).resolve().parents[2] / "clock.c"
        command("gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-o", library, source)
        self.environment = {"LD_PRELOAD": str(library), "FAULTS_CLOCK": str(self.file)}

    def move(self, day: float = 0, boot: float = 0) -> None:
        """By so many seconds from the true time: the time of day, and the time since boot."""
        # In place, as the daemon has it mapped.
        with self.file.open("r+b") as file:
            file.write(struct.pack("=qq", int(day * 1e9), int(boot * 1e9)))


@case(THEME, "setting the clock an hour back and forth disturbs no stream and no visitor", quick=True)
def clock_set(world: World, report: Report) -> None:
    clocks = Clocks(world)
    stage = Stage(world, environment=clocks.environment)
    visitor, mark = stage.held(), stage.daemon.mark
    with stage.watched() as watch:
        for jump in (HOUR, -HOUR / 2, 10 * HOUR, 0):
            clocks.move(day=jump)
            # Two heartbeats see each of them.
            seen = watch.served
            until("visitors", lambda: watch.served >= seen + 20, 30)
    stage.survives(report, visitor)
    report.did = "the time of day jumped by an hour, half an hour back, ten hours, and to what it was"
    report.outage = watch.longest
    report.holds("every visitor was served", watch.served and not watch.failures, watch)
    report.holds("the session stayed", not stage.daemon.count("session down, retrying", mark))
    stage.finish(report)


@case(
    THEME,
    "in a year in which the engine's certificate is not valid, the daemon says so, and serves when the clock is right",
)
def clock_far_away(world: World, report: Report) -> None:
    clocks = Clocks(world)
    stage = Stage(world, environment=clocks.environment)
    for years in (30, -50):
        clocks.move(day=years * YEAR)
        mark = stage.daemon.mark
        stage.engine.ask("POST", "drop-control-channels")
        line = stage.lost(mark)
        until("a failed attempt", lambda: "certificate" in str(stage.daemon.session().get("lastError")), 30)
        clocks.move()
        report.served_after(stage.first_served(time.monotonic()), BACK)
        report.holds("the outage was one line", stage.daemon.count("session down, retrying", mark) == 1, line)
    report.did = "the time of day jumped 30 years ahead, then 50 years back, while the control channel was reset"
    stage.finish(report)


@case(THEME, "a host that has slept for an hour is served again at once", quick=True)
def host_slept(world: World, report: Report) -> None:
    clocks = Clocks(world)
    stage = Stage(world, environment=clocks.environment,
                  settings="reconnect: { minimum: 30s, maximum: 5m }\ndrain: { timeout: 1s }")  # fmt: skip
    mark, began = stage.daemon.mark, time.monotonic()
    # The connection died meanwhile.
    forgotten = world.agent.forget(stage.engine.port)
    clocks.move(day=HOUR, boot=HOUR)
    stage.lost(mark)
    report.did = (
        f"time of day and time since boot jumped by an hour, and its connections ({forgotten}) were forgotten meanwhile"
    )
    report.served_after(stage.first_served(began, 90), LIVENESS + 2 * LIVENESS + 5 + BACK)
    stage.finish(report)


@case(THEME, "a daemon that stood still for longer than the liveness timeout serves again when it goes on")
def daemon_stopped(world: World, report: Report) -> None:
    stage = Stage(world)
    visitor = stage.held()
    stage.daemon.stop()
    # As long as the fault lasts: the engine gives it up after twice its timeout.
    time.sleep(2 * LIVENESS + 6)
    stage.daemon.resume()
    report.did = f"SIGSTOP of the daemon for {2 * LIVENESS + 6} s; the engine gives up after {2 * LIVENESS} s"
    report.served_after(stage.first_served(time.monotonic()), LIVENESS + BACK)
    stage.survives(report, visitor)
    stage.finish(report)


@case(THEME, "a daemon that stood still for a moment has lost nothing", quick=True)
def daemon_stopped_briefly(world: World, report: Report) -> None:
    stage = Stage(world)
    visitor, mark = stage.held(), stage.daemon.mark
    stage.daemon.stop()
    # As long as the fault lasts.
    time.sleep(3)
    stage.daemon.resume()
    report.did = "SIGSTOP of the daemon for 3 s"
    report.served_after(stage.first_served(time.monotonic()), 2)
    stage.survives(report, visitor)
    report.holds("the session stayed", not stage.daemon.count("session down, retrying", mark))
    stage.finish(report)
