# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The engine's name does not resolve, or leads to no host."""

import time

from ..case import Report, case
from ..names import NameServer
from ..programs import Engine
from ..stage import BACK, Stage
from ..waiting import until
from ..world import World, six

THEME = "Names"
NAME = "engine.faults.test"
MODES = ("silent", "nxdomain", "servfail", "garbage")
# A resolver's own patience: two tries of a second at the one name server (options in resolv.conf), for two kinds.
RESOLVER = 5


def named(world: World, transport: str = "", **settings: object) -> tuple[NameServer, Stage]:
    server = NameServer(world.engine, world.engine.address)
    if not transport:
        world.agent.resolve_at(server.address)
    return server, Stage(world, host=NAME, transport=transport, **settings)


def outlives(world: World, report: Report, transport: str) -> None:
    server, stage = named(world, transport)
    for mode in MODES:
        server.mode = mode
        began = time.monotonic()
        stage.engine.ask("POST", "drop-control-channels")
        report.served_after(stage.first_served(began, 60), 2 * RESOLVER + BACK)
    server.mode, server.delay = "late", 3.0
    began = time.monotonic()
    stage.engine.ask("POST", "drop-control-channels")
    report.served_after(stage.first_served(began, 60), 2 * RESOLVER + BACK)
    report.did = (
        "the control channel was reset while the name server was silent, knew no name, failed, wrote garbage, was late"
    )
    stage.finish(report)


@case(THEME, "an engine whose name stops resolving is dialed at its last address", patience=180)
def name_server_fails(world: World, report: Report) -> None:
    outlives(world, report, "")


@case(THEME, "the same with a name server of the context", patience=180)
def own_name_server_fails(world: World, report: Report) -> None:
    outlives(world, report, f"dns: {{ override: {world.engine.address} }}")


@case(THEME, "a daemon that starts before the name resolves serves once it does", patience=180)
def name_unknown_at_start(world: World, report: Report) -> None:
    server, stage = named(world, starts=False)
    for mode in MODES:
        server.mode = mode
        stage.start(ready=False)
        stage.daemon.logged("session down, retrying", patience=40)
        until("a second attempt", lambda: stage.daemon.session()["attempt"] >= 2, 40)
        server.mode = "answer"
        report.served_after(stage.first_served(time.monotonic(), 60), 2 * RESOLVER + BACK)
        report.holds("the outage was one line", stage.daemon.count("session down, retrying") == 1)
        stage.daemon.terminate()
    report.did = "the daemon started while the name server was silent, knew no name, failed, or wrote garbage"
    stage.start()
    stage.finish(report)


@case(THEME, "an IPv6 address that does not work costs a moment", quick=True)
def six_does_not_work(world: World, report: Report) -> None:
    server, stage = named(world)
    # One without a host, and one whose packets are lost.
    server.addresses = [f"{six('10.98.0.99')}", six(world.engine.address), world.engine.address]
    world.agent.drop("output", f"ip6 daddr {six(world.engine.address)}")
    stage.daemon.terminate()
    stage.start(ready=False)
    report.served_after(stage.first_served(time.monotonic(), 60), BACK)
    report.holds("both families were asked for", len(server.asked) >= 2, dict(server.asked))
    report.did = "the name had two IPv6 addresses, one without a host, one whose packets were lost, and the IPv4 one"
    stage.finish(report)


@case(THEME, "a name that leads to no host is resolved again, and followed back", quick=True)
def name_leads_nowhere(world: World, report: Report) -> None:
    server, stage = named(world)
    mark = stage.daemon.mark
    server.addresses = ["10.98.0.9"]
    stage.engine.kill()
    stage.lost(mark)
    until("attempts at the new address", lambda: "10.98.0.9" in world.agent.ip("neigh show"), 40)
    stage.engine = Engine(world, listen=f"{world.engine.address}:{stage.engine.port}", host=NAME)
    server.addresses = [world.engine.address]
    report.did = (
        "the engine was killed, its name led to an address without a host, then back, where it had started again"
    )
    report.served_after(stage.first_served(time.monotonic(), 60), 15 + 2 * BACK)
    stage.finish(report)
