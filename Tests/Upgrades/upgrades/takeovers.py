# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""One daemon under load: programs that take over from it, by itself and as a unit of systemd, and programs that cannot."""

from __future__ import annotations

import itertools
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmark.site import cabled_network, delayed_network
from benchmark.stage import Failure, Stage
from load.crowd import Crowd
from load.daemon import Addresses, Daemon, Outcome
from load.folder import Programs
from load.guest import INSTALL, Guest
from load.kinds import HELD, download
from load.network import inside
from load.programs import Engine, Upstream

from . import broken
from .report import Report, milliseconds

# Between two rounds, so that each has the whole load.
VISITORS = 50
# To an engine that is far, in milliseconds.
ROUND_TRIP = 50
# An address may be away for this long beyond two round trips.
SLACK = 0.1


async def measure_far(stage: Stage, programs: Programs, rounds: int, report: Report) -> None:
    """The engine is far from the daemon, and the visitors are near the engine."""
    network, set_round_trip = stage.enter_context(delayed_network(stage))
    set_round_trip(ROUND_TRIP)
    with inside(network.engine_namespace):
        upstream = Upstream(stage, network.agent_namespace)
        engine, addresses = Engine(stage, programs.engine, network.engine_host), Addresses.new()
        daemon = Daemon(stage, programs.folder, engine, namespace=network.agent_namespace)
        daemon.write(addresses.tunnels(f"forward: '{upstream.address}'"))
        await daemon.start()
        await daemon.wait_until_ready()
        # Downloads would fill the queue of a link that is a program, and make each round trip longer.
        held = [kind for kind in HELD if kind.act is not download]
        crowd = Crowd(addresses.endpoints(engine), [upstream], held=held)
        await take_over(crowd, daemon, program_of(daemon), rounds, report, f", {ROUND_TRIP} ms to the engine")
        await daemon.stop()


async def measure_unit(stage: Stage, programs: Programs, packages: Path, rounds: int, report: Report) -> None:
    """What operators do with an installed package, in turn."""
    network = stage.enter_context(cabled_network())
    with inside(network.engine_namespace):
        upstream = Upstream(stage, network.agent_namespace)
        engine, addresses = Engine(stage, programs.engine, network.engine_host), Addresses.new()
        guest = Guest(stage, packages, engine, network.agent_namespace)
        await guest.start(addresses.tunnels(f"forward: '{upstream.address}'"))
        commands = itertools.cycle(("systemctl restart rstreamd", INSTALL, "rstreamctl upgrade"))
        crowd = Crowd(addresses.endpoints(engine), [upstream])
        await take_over(crowd, guest, lambda: guest.run(next(commands)), rounds, report, " of a unit in a guest")
        restarts = (await guest.run("systemctl show -P NRestarts rstreamd")).output.strip()
        report.claim("take-overs of a unit in a guest: systemd never saw it fail", restarts == "0", restarts)


def program_of(daemon: Daemon) -> Callable[[], Awaitable[Outcome]]:
    def take_over() -> Awaitable[Outcome]:
        daemon.install_version()
        return daemon.upgrade()

    return take_over


async def measure(stage: Stage, programs: Programs, rounds: int, report: Report) -> None:
    upstream, engine = Upstream(stage), Engine(stage, programs.engine)
    addresses, daemon = Addresses.new(), Daemon(stage, programs.folder, engine)
    daemon.write(addresses.tunnels(f"forward: '{upstream.address}'"))
    await daemon.start()
    await daemon.wait_until_ready()
    endpoints = addresses.endpoints(engine)
    await take_over(Crowd(endpoints, [upstream]), daemon, program_of(daemon), rounds, report)
    for index, version in enumerate(broken.ALL):
        # So many in all, and each at least once.
        share = max(1, len(range(index, rounds, len(broken.ALL))))
        await refuse(Crowd(endpoints, [upstream]), daemon, version, share, report)
    await daemon.stop()


async def take_over(
    crowd: Crowd, daemon: Daemon | Guest, act: Callable[[], Awaitable[Outcome]], rounds: int, report: Report, where: str = "",
) -> None:  # fmt: skip
    taken, durations = 0, []
    # Without the load, which would make it longer.
    limit = 2 * await daemon.round_trip() + SLACK
    async with crowd:
        for number in range(rounds):
            before, began = await daemon.pid(), time.monotonic()
            outcome = await act()
            durations.append(time.monotonic() - began)
            if outcome.status:
                report.say(f"round {number + 1}: {(outcome.errors + outcome.output).strip()}")
            else:
                taken += await daemon.pid() != before
            await crowd.wait_until_moved()
            await crowd.wait_for_visitors(VISITORS)
    tally = crowd.tally
    what = f"take-overs{where}"
    report.load(f"rstreamd: {what}", rounds, tally)
    report.line(
        f"Time of {what}: {milliseconds(min(durations))} to {milliseconds(max(durations))}; two round trips and "
        f"{SLACK * 1000:.0f} ms are {limit * 1000:.1f} ms."
    )
    report.claim(f"{what}: every program has taken over", taken == rounds, f"{taken} of {rounds}")
    report.whole(what, tally)
    report.claim(
        f"{what}: no visitor is refused for longer than {limit * 1000:.1f} ms", tally.longest_refusal <= limit,
        milliseconds(tally.longest_refusal),
    )  # fmt: skip
    # The streams of earlier processes have ended with the crowd.
    try:
        await daemon.wait_for_end(daemon.pids - {await daemon.pid()})
        gone = True
    except Failure:
        gone = False
    report.claim(f"{what}: processes that were taken over from end with their streams", gone)


async def refuse(crowd: Crowd, daemon: Daemon, version: broken.Broken, rounds: int, report: Report) -> None:
    told, stayed = 0, 0
    async with crowd:
        for number in range(rounds):
            before = await daemon.pid()
            with version.installed(daemon):
                outcome = await daemon.upgrade()
            is_told = outcome.status == 1 and version.told in outcome.errors + outcome.output
            if not is_told:
                report.say(f"round {number + 1}: exit {outcome.status}: {(outcome.errors + outcome.output).strip()}")
            told += is_told
            stayed += await daemon.pid() == before
            await crowd.wait_until_moved()
            await crowd.wait_for_visitors(VISITORS)
    what = f"a new version that {version.name}" if version.program else version.name
    report.load(f"rstreamd: {what}", rounds, crowd.tally)
    report.claim(f"{version.name}: the operator is told why", told == rounds, f"{told} of {rounds}")
    report.claim(f"{version.name}: the same process serves on", stayed == rounds, f"{stayed} of {rounds}")
    report.whole(version.name, crowd.tally)
    report.claim(f"{version.name}: no visitor is refused", not crowd.tally.all_refused, f"{crowd.tally.all_refused}")
