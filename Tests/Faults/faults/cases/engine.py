# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The engine is killed, stopped, moved, or replaced by another."""

import time
from pathlib import Path

from ..case import Report, case
from ..names import NameServer
from ..programs import Engine
from ..stage import BACK, LIVENESS, Stage, write
from ..waiting import until
from ..world import World

THEME = "The engine"
NAME = "engine.faults.test"


@case(THEME, "an engine that is killed and started again is found again", quick=True)
def engine_killed(world: World, report: Report) -> None:
    stage = Stage(world)
    mark = stage.daemon.mark
    stage.engine.kill()
    stage.lost(mark)
    stage.engine = Engine(world, listen=f"{world.engine.address}:{stage.engine.port}")
    began = time.monotonic()
    report.did = "SIGKILL of the engine; another process of it at the same address once the daemon had noticed"
    report.served_after(stage.first_served(began), BACK)
    report.holds("the tunnel came back at its address", stage.place() == stage.known, stage.place())
    stage.finish(report)


@case(THEME, "one outage is one line, however often the engine comes and goes", quick=True)
def engine_killed_often(world: World, report: Report) -> None:
    stage, rounds = Stage(world), 8
    for _ in range(rounds):
        stage.engine.kill()
        stage.engine = Engine(world, listen=f"{world.engine.address}:{stage.engine.port}")
        report.served_after(stage.first_served(time.monotonic()), BACK)
    report.did = f"SIGKILL of the engine and an immediate start of another one, {rounds} times"
    lost = stage.daemon.count("session down, retrying")
    report.holds("each outage was one line of the log", lost <= rounds, lost)
    stage.finish(report)


@case(
    THEME, "an engine that stands still for longer than its liveness timeout is left, and found again when it goes on"
)
def engine_stopped(world: World, report: Report) -> None:
    stage = Stage(world)
    visitor, mark = stage.held(), stage.daemon.mark
    began = time.monotonic()
    stage.engine.stop()
    stage.lost(mark)
    noticed = time.monotonic() - began
    stage.engine.resume()
    report.did = f"SIGSTOP of the engine until the daemon had noticed, which took {noticed:.1f} s; SIGCONT"
    report.served_after(stage.first_served(time.monotonic()), 2 * LIVENESS + BACK)
    report.holds(f"the daemon noticed within {LIVENESS + BACK:.0f} s", noticed <= LIVENESS + BACK, f"{noticed:.1f} s")
    stage.survives(report, visitor)
    stage.finish(report)


@case(
    THEME, "an engine that stands still for less than its liveness timeout costs that time and nothing else", quick=True
)
def engine_stopped_briefly(world: World, report: Report) -> None:
    stage = Stage(world)
    visitor, mark = stage.held(), stage.daemon.mark
    stage.engine.stop()
    # As long as the fault lasts.
    time.sleep(2)
    stage.engine.resume()
    report.did = "SIGSTOP of the engine for 2 s"
    report.served_after(stage.first_served(time.monotonic()), 2)
    stage.survives(report, visitor)
    report.holds("the session stayed", not stage.daemon.count("session down, retrying", mark))
    stage.finish(report, complaints=[])


@case(THEME, "an engine whose name leads to another address is found there", quick=True)
def engine_moves(world: World, report: Report) -> None:
    server = NameServer(world.engine, world.engine.address)
    world.agent.resolve_at(server.address)
    stage = Stage(world, host=NAME)
    mark = stage.daemon.mark
    world.engine.ip("addr add 10.98.0.3/24 dev cable")
    stage.engine.kill()
    stage.lost(mark)
    server.addresses = ["10.98.0.3"]
    stage.engine = Engine(world, listen=f"10.98.0.3:{stage.engine.port}", host=NAME)
    report.did = "SIGKILL of the engine; it started at another address, to which its name led from then on"
    report.served_after(stage.first_served(time.monotonic()), 10 + BACK)
    stage.finish(report)


@case(
    THEME, "an engine with a certificate that is not trusted gets no token; once it is trusted it is taken", quick=True
)
def engine_other_certificate(world: World, report: Report) -> None:
    stage = Stage(world)
    mark = stage.daemon.mark
    stage.engine.kill()
    other = Engine(world, ["--fault", "open-error=1000:never"], listen=f"{world.engine.address}:{stage.engine.port}",
                   state="other")  # fmt: skip
    line = stage.daemon.logged("session down, retrying", mark)
    refused = until(
        "a session that is refused", lambda: (stage.daemon.session().get("lastError") or {}).get("code"), 20
    )
    waited = stage.daemon.session()["attempt"]
    until("three more attempts", lambda: stage.daemon.session()["attempt"] >= waited + 3, 30)
    report.did = (
        "the engine's address was taken by one with a certificate of another authority, which was trusted later"
    )
    report.holds("no attempt went beyond the certificate", "never" not in stage.daemon.said, refused)
    report.holds("the outage was one line", stage.daemon.count("session down, retrying", mark) == 1, line)
    other.kill()
    stage.engine = Engine(world, listen=f"{world.engine.address}:{stage.engine.port}", state="other")
    trusted = Path(world.folder / "engine" / "ca.pem")
    write(trusted, trusted.read_text() + Path(stage.engine.authority).read_text())
    report.served_after(stage.first_served(time.monotonic()), BACK)
    stage.finish(report)
