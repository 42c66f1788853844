# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Two hosts with the same tunnels, one of which is killed; and two services, each of which is restarted."""

from __future__ import annotations

import asyncio
import random
import time

from benchmark.stage import Stage
from load.crowd import Crowd
from load.daemon import Addresses, Daemon
from load.folder import Programs
from load.kinds import SHORT
from load.programs import Engine, Upstream

from .report import Report, milliseconds

# How long the other host may take (docs/recipes/two-hosts.md), and what a busy machine adds.
LONGEST = 3
SLACK = 0.25
MOST_KILLS = 5
VISITORS = 50


async def measure_hosts(stage: Stage, programs: Programs, rounds: int, report: Report) -> None:
    upstream, engine, addresses = Upstream(stage), Engine(stage, programs.engine), Addresses.new()
    hosts = [Daemon(stage, programs.folder, engine, name) for name in ("first", "second")]
    for host in hosts:
        host.write(addresses.tunnels(f"forward: '{upstream.address}'"))
    active, standby = hosts
    await active.start()
    await active.wait_until_ready()
    await standby.start()
    times = []
    kills = min(rounds, MOST_KILLS)
    crowd = Crowd(addresses.endpoints(engine), [upstream])
    async with crowd:
        for _ in range(kills):
            for name in ("raw", "web"):
                await standby.wait_for_tunnel(name, "standby")
            with crowd.excused("that ended with their host"):
                killed = time.monotonic()
                await active.kill()
                await asyncio.gather(*(crowd.visit(kind) for kind in SHORT))
                times.append(time.monotonic() - killed)
                await crowd.wait_until_moved()
            await active.start()
            active, standby = standby, active
            await crowd.wait_for_visitors(VISITORS)
    tally = crowd.tally
    report.load("rstreamd: kill -9 of one of two hosts", kills, tally, "that ended with their host")
    seconds = ", ".join(f"{seconds:.1f}" for seconds in times)
    report.line(f"From the kill until the other host served TCP and HTTP: {seconds} s.")
    report.claim(
        f"two hosts: the other one serves within {LONGEST} s", max(times) <= LONGEST + SLACK, f"{max(times):.2f} s"
    )
    report.whole("two hosts", tally)
    for host in hosts:
        await host.stop()


def brief(random: random.Random) -> float:
    """A service that is restarted in order waits for its streams."""
    return random.uniform(1, 4)


async def measure_upstreams(stage: Stage, programs: Programs, rounds: int, report: Report) -> None:
    upstreams, engine = [Upstream(stage), Upstream(stage)], Engine(stage, programs.engine)
    addresses, daemon = Addresses.new(), Daemon(stage, programs.folder, engine)
    entries = ", ".join(f"{{ forward: '{upstream.address}' }}" for upstream in upstreams)
    daemon.write(addresses.tunnels(f"upstreams: [{entries}]"))
    await daemon.start()
    await daemon.wait_until_ready()
    crowd, durations = Crowd(addresses.endpoints(engine), upstreams, lives=brief), []
    async with crowd:
        for number in range(rounds):
            began = time.monotonic()
            await upstreams[number % 2].restart()
            durations.append(time.monotonic() - began)
            await crowd.wait_until_moved()
            await crowd.wait_for_visitors(VISITORS)
    report.load("rstreamd: restarts of one of two services", rounds, crowd.tally)
    report.line(f"A service was away for {milliseconds(min(durations))} to {milliseconds(max(durations))}.")
    report.whole("restarts of services", crowd.tally)
    report.claim(
        "restarts of services: no stream fails", not crowd.tally.all_refused, f"{crowd.tally.all_refused} refused"
    )
    await daemon.stop()
