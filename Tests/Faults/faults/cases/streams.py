# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""What becomes of streams, and of local programs at a listener, when what carries them fails."""

import contextlib
import socket
import time
from pathlib import Path

from ..case import Report, case
from ..exchange import CHUNK, GREETING, HEAD, Damaged, Plan, content, read_exactly, verify, verify_end
from ..gate import Harm
from ..programs import Engine
from ..services import Server, serve
from ..stage import BACK, LIVENESS, Stage
from ..visitors import Visitor
from ..waiting import until
from ..world import World

THEME = "Streams"


@case(THEME, "a connection for a stream that stalls is given up after 10 s, and made once more", quick=True)
def stream_handshake_stalls(world: World, report: Report) -> None:
    stage = Stage(world, gated=True)
    for harm in (Harm("stall", "down", 0), Harm("stall", "down", 1)):
        stage.gate.arm(harm)
        began = time.monotonic()
        report.holds("the visitor was served", stage.is_served(25), harm)
        report.holds("the stall took place", stage.gate.struck(harm), harm)
        report.served_after(time.monotonic() - began, 10 + 2)
    report.did = "the connection for a stream stalled after the ClientHello, and within the engine's answer to it"
    stage.finish(report)


@case(THEME, "what is cut off on its way from the engine is a reset for the service, and never an end", quick=True)
def truncation_is_no_end(world: World, report: Report) -> None:
    ends: list[str] = []

    def answer(connection: socket.socket) -> None:
        if not watching:
            return serve(connection)
        Plan.read(read_exactly(connection, HEAD.size))
        try:
            while connection.recv(CHUNK):
                pass
            ends.append("an end")
        except OSError:
            ends.append("a reset")

    watching = [True]
    stage = Stage(world, gated=True, service=Server(world.agent, answer))
    harms = [Harm(action, "down", count) for action in ("cut", "halve", "reset") for count in (8, 9, 12)]
    for harm in harms:
        before = len(ends)
        stage.gate.arm(harm)
        with contextlib.suppress(OSError), Visitor(world.engine, stage.place(), Plan(41, 5_000_000)) as visitor:
            visitor.socket.sendall(visitor.plan.head)
            for part in content(41, 5_000_000):
                visitor.socket.sendall(part)
        stage.gate.wait_until_struck(harm)
        until("the service's view of it", lambda: len(ends) > before, 20)
    report.did = (
        "a visitor's 5 MB were cut off by an end without close_notify, in a TLS record, and by a reset, nine times"
    )
    report.holds("the service saw resets only", set(ends) == {"a reset"}, ends)
    watching.clear()
    report.served_after(stage.first_served(time.monotonic()), 1)
    stage.finish(report)


@case(THEME, "streams that the engine takes with it leave nothing at the service, and no descriptor", quick=True)
def streams_end_with_the_engine(world: World, report: Report) -> None:
    stage = Stage(world)
    stage.visit()
    before = stage.daemon.descriptors
    visitors = [stage.held() for _ in range(100)]
    mark = stage.daemon.mark
    stage.engine.kill()
    began = time.monotonic()
    until("the end of the service's connections", lambda: not stage.service.open, 20)
    seconds = time.monotonic() - began
    report.holds("the service's connections ended within 2 s", seconds < 2, f"{seconds:.1f} s")
    for visitor in visitors:
        visitor.close()
    stage.lost(mark)
    stage.engine = Engine(world, listen=f"{world.engine.address}:{stage.engine.port}")
    report.did = "SIGKILL of the engine under a hundred streams"
    report.served_after(stage.first_served(time.monotonic()), BACK)
    until("the descriptors of before", lambda: stage.daemon.descriptors <= before + 8, 30)
    report.holds("the daemon kept no descriptor", True)
    stage.finish(report)


@case(
    THEME,
    "quiet streams that a middlebox has forgotten end by keepalive, others when the kernel gives up",
    patience=180,
)
def forgotten_streams_end(world: World, report: Report) -> None:
    # How many probes and retransmissions may be lost is the kernel's affair: by default for 150 s and for 15 minutes.
    with world.agent.entered():
        Path("/proc/sys/net/ipv4/tcp_keepalive_probes").write_text("2")
        Path("/proc/sys/net/ipv4/tcp_retries2").write_text("6")
    stage = Stage(world)
    quiet = [stage.held() for _ in range(10)]
    until("acknowledgements", lambda: world.agent.unacknowledged(stage.engine.port) == 0, 20)
    world.agent.forget(stage.engine.port)
    began = time.monotonic()
    # Half of them have something to send, which is never acknowledged.
    busy = list(stage.service.open)[:5]
    for connection in busy:
        connection.sendall(bytes(1000))
    until("the end of the busy ones", lambda: not stage.service.open & set(busy), 90)
    seconds = time.monotonic() - began
    until("the end of all", lambda: not stage.service.open, 90)
    total = time.monotonic() - began
    report.did = (
        f"no packet passed any more of ten streams; the service was told after {seconds:.0f} s where it had sent "
        f"something, else after {total:.0f} s (tcp_retries2 is 6, tcp_keepalive_probes 2)"
    )
    report.holds("the service was told within 60 s", total < 60, f"{total:.0f} s")
    for visitor in quiet:
        visitor.close()
    report.served_after(stage.first_served(time.monotonic()), 2 * LIVENESS + BACK)
    stage.finish(report)


@case(THEME, "a large stream through a bad network loses no byte", shaped=True, patience=180)
def large_stream_through_loss(world: World, report: Report) -> None:
    stage = Stage(world)
    world.shape("delay=20 jitter=10 loss=3 rate=20000")
    began = time.monotonic()
    stage.visit(Plan(21, 4_000_000, 4_000_000), patience=120)
    seconds = time.monotonic() - began
    report.did = f"20 ms ± 10 ms, 3 % loss and 20 Mbit/s each way; 4 MB there and back in {seconds:.0f} s"
    report.holds("every byte was right", True)
    world.shape("delay=0 jitter=0 loss=0 rate=0")
    report.served_after(stage.first_served(time.monotonic()), 2)
    stage.finish(report)


def dial(place: tuple[str, int], world: World, patience: float) -> None:
    """A local program at a listener, whose private tunnel leads to the service."""
    plan = Plan(31, 10_000, 10_000)
    with world.agent.entered():
        connection = socket.create_connection(place, timeout=patience)
    with connection:
        connection.sendall(plan.head)
        if read_exactly(connection, 1) != GREETING:
            raise Damaged("another greeting")
        for part in content(plan.seed, plan.up):
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)
        verify(connection, plan.seed + 1, plan.down)
        verify_end(connection)


def is_dialed(place: tuple[str, int], world: World, patience: float = 10) -> bool:
    try:
        dial(place, world, patience)
        return True
    except (OSError, Damaged):
        return False


@case(
    THEME,
    "a local program at a listener is let go after dialTimeout, and served when the engine answers again",
    quick=True,
)
def private_dial_unanswered(world: World, report: Report) -> None:
    stage = Stage(world, starts=False)
    stage.more = (
        f"  - {{ name: private, forward: 127.0.0.1:{stage.service.port}, tunnel: {{ publish: false }} }}\n"
        "listeners:\n  - { name: db, listen: 127.0.0.1:15432, dial: private, dialTimeout: 2s }\n"
    )
    stage.write()
    stage.start()
    place = ("127.0.0.1", 15432)
    report.holds("it was served before", is_dialed(place, world))
    stage.engine.stop()
    began = time.monotonic()
    report.holds("it was not served meanwhile", not is_dialed(place, world, 20))
    seconds = time.monotonic() - began
    report.holds("it was let go after dialTimeout", 1.5 < seconds < 4, f"{seconds:.1f} s")
    stage.engine.resume()
    began = time.monotonic()
    until("a dial that is served", lambda: is_dialed(place, world, 3), 30)
    report.served_after(time.monotonic() - began, 3)
    report.did = "SIGSTOP of the engine for one dial; dialTimeout is 2 s"
    stage.finish(report)
