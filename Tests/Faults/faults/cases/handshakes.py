# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Connections to the engine that stall, end or are reset at each message, by a gate before the engine."""

import time

from ..case import Report, case
from ..gate import Gate, Harm, Passage
from ..programs import TOKEN
from ..stage import BACK, LIVENESS, Stage, write
from ..visitors import first_served
from ..waiting import Broken, until
from ..world import World

THEME = "The control channel, message by message"
# What the daemon waits for answers of the engine.
ANSWER = 30
# Further than the answer to the tunnel.
RECORDS = 9


def control(gate: Gate) -> Passage:
    """The connection of the control channel: without prewarmed ones the last that is open when no visitor comes."""
    return gate.passages[-1]


@case(THEME, "a handshake that stalls at any message is given up in time, and the next attempt serves", patience=240)
def handshake_stalls(world: World, report: Report) -> None:
    harms = [Harm("stall", way, count) for way in ("up", "down") for count in range(RECORDS)]
    stage = Stage(world, starts=False)
    place = world.engine.address, stage.engine.port
    gates = [Gate(world.engine, place) for _ in harms]
    tls = f"tls: {{ caFile: {stage.engine.authority} }}, prewarm: {{ mode: off }}"
    contexts = "".join(
        f"  c{index}: {{ engine: {world.engine.address}:{gate.port}, token: {TOKEN}, transport: {{ {tls} }} }}\n"
        for index, gate in enumerate(gates)
    )
    stage.more = "".join(
        f"  - {{ name: t{index}, context: c{index}, forward: 127.0.0.1:{stage.service.port}, "
        f"tunnel: {{ protocol: tcp }} }}\n"
        for index in range(len(gates))
    )
    write(stage.configuration, stage.text().replace("contexts:\n", f"contexts:\n{contexts}"))
    stage.start()
    with stage.watched() as watch:
        began = time.monotonic()
        for gate, harm in zip(gates, harms):
            gate.arm(harm)
            control(gate).reset()
        seconds = []
        for index, (gate, harm) in enumerate(zip(gates, harms)):
            gate.wait_until_struck(harm)

            def place_of(name: str = f"t{index}") -> tuple[str, int]:
                tunnel = stage.daemon.tunnel(name)
                return world.engine.address, int(tunnel["properties"]["port"] if tunnel["state"] == "online" else 0)

            seconds.append(first_served(world.engine, place_of, began, 90, each=5))
    longest = max(seconds)
    report.did = (
        f"{len(harms)} sessions at once: each control channel was reset, and the next attempt stalled after 0 to "
        f"{RECORDS - 1} TLS records up or down"
    )
    # A stall behind the answer is noticed by liveness, and the engine keeps the address meanwhile.
    report.served_after(longest, max(ANSWER, 3 * LIVENESS) + 5 + BACK)
    report.holds("visitors of another session were served all the time", not watch.failures, watch)
    stage.finish(report)


def harmed_at_each(world: World, report: Report, action: str, told: str) -> None:
    stage = Stage(world, gated=True)
    for way in ("up", "down"):
        for count in range(RECORDS):
            harm = Harm(action, way, count)
            stage.gate.arm(harm)
            control(stage.gate).reset()
            # A heartbeat each 5 s is a message, too.
            stage.gate.wait_until_struck(harm, 5 * count + 20)
            report.served_after(stage.first_served(time.monotonic()), BACK)
            until("an online session", lambda: stage.daemon.session()["state"] == "online", 20)
            renew(stage)
    report.did = f"the control channel was {told} after each of 0 to {RECORDS - 1} TLS records up, and down"
    stage.finish(report)


def renew(stage: Stage) -> None:
    """Leaves only the control channel open at the gate, as a new connection."""
    before = stage.gate.accepted
    stage.engine.ask("POST", "drop-control-channels")
    until("a new control channel", lambda: stage.gate.accepted > before, 20)
    stage.daemon.wait_until_ready()


@case(THEME, "a reset at any message costs one attempt", patience=300)
def reset_at_each_message(world: World, report: Report) -> None:
    harmed_at_each(world, report, "reset", "reset")


@case(THEME, "an end at any message costs one attempt", patience=300)
def end_at_each_message(world: World, report: Report) -> None:
    harmed_at_each(world, report, "cut", "closed in order")


@case(THEME, "an end in the middle of any message costs one attempt", patience=300)
def end_within_each_message(world: World, report: Report) -> None:
    harmed_at_each(world, report, "halve", "closed in the middle of the next record")


@case(THEME, "a direction that swallows everything from any message on is noticed", patience=300)
def swallowed_from_each_message(world: World, report: Report) -> None:
    stage = Stage(world, gated=True)
    for way in ("up", "down"):
        for count in (1, 4, 6):
            harm = Harm("swallow", way, count)
            stage.gate.arm(harm)
            control(stage.gate).reset()
            stage.gate.wait_until_struck(harm, 60)
            report.served_after(stage.first_served(time.monotonic(), 90, each=5), ANSWER + 3 * LIVENESS + BACK)
            renew(stage)
    report.did = "one direction of the control channel was lost after 1, 4 and 6 TLS records, with the other one open"
    stage.finish(report)


@case(THEME, "connections of streams that are reset at any message are failed visitors, and nothing else", quick=True)
def streams_reset_at_each_message(world: World, report: Report) -> None:
    stage = Stage(world, gated=True)
    mark = stage.daemon.mark
    for way in ("up", "down"):
        for count in range(5):
            harm = Harm("reset", way, count)
            stage.gate.arm(harm)
            report.holds("a visitor whose connection was reset was not served", not stage.is_served(5), harm)
            if not stage.gate.struck(harm):
                raise Broken(f"{harm} did not happen")
            report.served_after(stage.first_served(time.monotonic()), 2)
    report.did = "connections of streams were reset after 0 to 4 TLS records up, and down"
    report.holds("the session stayed", not stage.daemon.count("session down, retrying", mark))
    stage.finish(report)
