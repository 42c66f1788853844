# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The service behind the tunnel refuses, hangs, resets, dawdles or floods."""

import contextlib
import fcntl
import select
import socket
import struct
import termios
import threading
import time

from ..case import Report, case
from ..exchange import CHUNK, HEAD, Damaged, Plan, content, read_exactly, verify, verify_end
from ..services import Server, reset, serve
from ..stage import Stage
from ..visitors import Visitor, is_served
from ..waiting import until
from ..world import World

THEME = "The upstream"


def failed_after(stage: Stage, patience: float = 20) -> float:
    """The seconds after which a visitor who is not served knows that."""
    began = time.monotonic()
    if stage.is_served(patience):
        raise Damaged("a visitor was served")
    return time.monotonic() - began


def again(world: World, stage: Stage) -> None:
    stage.service = Server(world.agent, serve, port=stage.service.port)


@case(THEME, "visitors of a service that refuses are told at once, and served as soon as it is there", quick=True)
def upstream_refuses(world: World, report: Report) -> None:
    stage = Stage(world)
    mark = stage.daemon.mark
    stage.service.stop()
    seconds = max(failed_after(stage) for _ in range(5))
    report.holds("visitors were turned away within a second", seconds < 1, f"{seconds:.1f} s")
    again(world, stage)
    report.did = "the service's port was closed, for five visitors"
    report.served_after(stage.first_served(time.monotonic()), 1)
    report.holds("the outage was one line", stage.daemon.count("upstream unreachable", mark) == 1)
    report.holds("the session stayed", not stage.daemon.count("session down, retrying", mark))
    stage.finish(report)


@case(THEME, "a service that does not answer connections costs its visitors connectTimeout, and no others", quick=True)
def upstream_hangs(world: World, report: Report) -> None:
    other = Server(world.agent, serve)
    more = f"  - {{ name: other, forward: 127.0.0.1:{other.port}, tunnel: {{ protocol: tcp }} }}\n"
    stage = Stage(world, upstream="connectTimeout: 2s", more=more)
    place = world.engine.address, int(stage.daemon.tunnel("other")["properties"]["port"])
    world.agent.drop("output", f'oifname "lo" tcp dport {stage.service.port}')
    # Many at once, none of whom keeps the others waiting.
    seconds: list[float] = []
    threads = [threading.Thread(target=lambda: seconds.append(failed_after(stage))) for _ in range(100)]
    for thread in threads:
        thread.start()
    report.holds("visitors of another tunnel were served meanwhile", is_served(world.engine, place))
    for thread in threads:
        thread.join()
    longest = max(seconds)
    report.holds("a hundred visitors were let go within 4 s", len(seconds) == 100 and longest < 4, f"{longest:.1f} s")
    world.agent.heal()
    report.did = "packets to the service were lost, for a hundred visitors at once; connectTimeout is 2 s"
    report.served_after(stage.first_served(time.monotonic()), 1)
    stage.finish(report)


@case(THEME, "a service that accepts and says nothing keeps its visitors, until idleTimeout", quick=True)
def upstream_silent(world: World, report: Report) -> None:
    silent = threading.Event()
    silent.set()

    def answer(connection: socket.socket) -> None:
        if silent.is_set():
            while connection.recv(CHUNK):
                pass
        else:
            serve(connection)

    stage = Stage(world, service=Server(world.agent, answer), upstream="idleTimeout: 2s")
    seconds = failed_after(stage)
    report.holds("a visitor was let go after idleTimeout", 1.5 < seconds < 5, f"{seconds:.1f} s")
    silent.clear()
    report.did = "the service read and said nothing; idleTimeout is 2 s"
    report.served_after(stage.first_served(time.monotonic()), 1)
    stage.finish(report)


@case(THEME, "a service that resets is a reset for the visitor, who never takes a part for the whole", quick=True)
def upstream_resets(world: World, report: Report) -> None:
    after: list[int] = []

    def answer(connection: socket.socket) -> None:
        if not after:
            return serve(connection)
        plan = Plan.read(read_exactly(connection, HEAD.size))
        sent = 0
        for part in content(plan.seed, after[0]):
            connection.sendall(part)
            sent += len(part)
        # What was sent has to be on its way: a reset overtakes what is in a buffer.
        until("an empty buffer", lambda: unsent(connection) == 0, 10)
        reset(connection)

    stage = Stage(world, service=Server(world.agent, answer))
    for count in (0, 1, 1000, 65536, 2_000_000):
        after[:] = [count]
        with Visitor(world.engine, stage.place(), Plan(5)) as visitor:
            visitor.socket.sendall(visitor.plan.head)
            got = b""
            ended = "in order"
            try:
                while part := visitor.socket.recv(CHUNK):
                    got += part
            except TimeoutError:
                ended = "never"
            except OSError:
                ended = "by a reset"
        wanted = b"".join(content(5, count))
        report.holds("what visitors got was right as far as it went", wanted.startswith(got), f"{count}: {len(got)}")
        report.holds("visitors saw a reset", ended == "by a reset", f"{count} bytes: {ended} after {len(got)}")
    after.clear()
    report.did = "the service reset connections after 0, 1, 1,000, 65,536 and 2,000,000 bytes"
    report.served_after(stage.first_served(time.monotonic()), 1)
    stage.finish(report)


def unsent(connection: socket.socket) -> int:
    """Bytes that the other side has not acknowledged."""
    return struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0]


@case(THEME, "either side may end first, and neither loses what the other still sends", quick=True)
def upstream_ends_first_and_last(world: World, report: Report) -> None:
    first = threading.Event()
    size = 3_000_000
    problems: list[str] = []

    def answer(connection: socket.socket) -> None:
        try:
            plan = Plan.read(read_exactly(connection, HEAD.size))
            if first.is_set():
                for part in content(plan.seed + 1, plan.down):
                    connection.sendall(part)
                connection.shutdown(socket.SHUT_WR)
            verify(connection, plan.seed, plan.up)
            verify_end(connection)
            if not first.is_set():
                for part in content(plan.seed + 1, plan.down):
                    connection.sendall(part)
        except (OSError, Damaged) as error:
            problems.append(repr(error))

    service = Server(world.agent, answer)
    stage = Stage(world, service=service)
    for ends_first in (True, False):
        first.set() if ends_first else first.clear()
        with Visitor(world.engine, stage.place(), Plan(11, size, size), 30) as visitor:
            visitor.socket.sendall(visitor.plan.head)
            if ends_first:
                verify(visitor.socket, 12, size)
                verify_end(visitor.socket)
            for part in content(11, size):
                visitor.socket.sendall(part)
            visitor.socket.shutdown(socket.SHUT_WR)
            if not ends_first:
                verify(visitor.socket, 12, size)
                verify_end(visitor.socket)
            until("the service's end", lambda: not service.open, 30)
    report.did = (
        "the service ended its side before the visitor had sent anything, and after it had ended; 3 MB each way"
    )
    report.holds("neither side lost a byte", not problems, problems)
    stage.service = Server(world.agent, serve)
    stage.write()
    stage.daemon.reload()
    stage.finish(report)


@case(THEME, "a service that reads a byte a second stops its visitor, and no other", quick=True)
def upstream_reads_slowly(world: World, report: Report) -> None:
    slow, end = threading.Event(), threading.Event()
    slow.set()

    def answer(connection: socket.socket) -> None:
        if not slow.is_set():
            return serve(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        while not end.wait(1) and connection.recv(1):
            pass

    stage = Stage(world, service=Server(world.agent, answer))
    before = stage.daemon.memory
    with contextlib.ExitStack() as stack:
        sent = 0
        for _ in range(20):
            visitor = stack.enter_context(Visitor(world.engine, stage.place(), patience=3))
            visitor.socket.setblocking(True)
            visitor.socket.settimeout(2)
            with contextlib.suppress(TimeoutError):
                while sent < 2_000_000_000:
                    visitor.socket.sendall(bytes(CHUNK))
                    sent += CHUNK
        slow.clear()
        report.served_after(stage.first_served(time.monotonic()), 2)
        grown = stage.daemon.memory - before
        report.holds("visitors were stopped", sent < 500_000_000, f"{sent:,} bytes")
        report.holds("a stream took less than 1.25 MiB", grown < 20 * 1.25 + 12, f"{grown:.1f} MiB")
        end.set()
    report.did = f"the service read a byte a second of twenty visitors, who could send {sent / 20 / 1e6:.1f} MB each"
    stage.finish(report)


@case(
    THEME,
    "a service that writes for ever is stopped by a visitor who does not read, and ended when he leaves",
    quick=True,
)
def upstream_writes_for_ever(world: World, report: Report) -> None:
    floods = threading.Event()
    floods.set()

    def answer(connection: socket.socket) -> None:
        if not floods.is_set():
            return serve(connection)
        while True:
            connection.sendall(bytes(CHUNK))

    stage = Stage(world, service=Server(world.agent, answer))
    before = stage.daemon.memory
    visitors = [Visitor(world.engine, stage.place()) for _ in range(20)]
    until("all streams", lambda: len(stage.service.open) == 20, 20)
    # A second without growth: all buffers are full.
    standstill(lambda: int(stage.daemon.memory))
    grown = stage.daemon.memory - before
    report.holds("a stream took less than 1.25 MiB", grown < 20 * 1.25 + 12, f"{grown:.1f} MiB")
    for visitor in visitors:
        reset(visitor.socket)
    until("the end of the service's connections", lambda: not stage.service.open, 20)
    report.holds("the service's connections ended when the visitors left", True)
    floods.clear()
    report.did = "the service wrote for ever to twenty visitors who read nothing, then left"
    report.served_after(stage.first_served(time.monotonic()), 1)
    stage.finish(report)


def standstill(measure) -> None:
    last, since = measure(), time.monotonic()
    deadline = since + 30
    while time.monotonic() < min(since + 1, deadline):
        if (now := measure()) != last:
            last, since = now, time.monotonic()
        time.sleep(0.05)


@case(THEME, "of several upstreams, one that hangs or refuses costs no visitor", quick=True)
def one_of_several_upstreams(world: World, report: Report) -> None:
    good, other = Server(world.agent, serve), Server(world.agent, serve)
    forward = f"upstreams: [{{ forward: 127.0.0.1:{good.port} }}, {{ forward: 127.0.0.1:{other.port} }}]"
    stage = Stage(world, forward=forward, service=good, upstream="connectTimeout: 2s")
    with stage.watched() as watch:
        world.agent.drop("output", f'oifname "lo" tcp dport {other.port}')
        seen = watch.served
        until("visitors", lambda: watch.served >= seen + 50, 60)
        world.agent.heal()
        taken = other.taken
        until("visitors of the other one again", lambda: other.taken > taken, 90)
        # Its end would reset the visitors that it has.
        mark = stage.daemon.mark
        world.agent.refuse("output", f'oifname "lo" tcp dport {other.port}')
        stage.daemon.logged("upstream ejected", mark, 60)
        seen = watch.served
        until("visitors", lambda: watch.served >= seen + 50, 60)
    report.did = "one of two upstreams did not answer connections for fifty visitors, came back, then refused"
    report.outage = watch.longest
    report.holds("every visitor was served", not watch.failures, watch)
    report.holds("none waited longer than connectTimeout", watch.longest < 2.2, watch)
    stage.finish(report)


def restarted(world: World, report: Report, upstream: str) -> tuple[Stage, list[str]]:
    """Five visitors at a time, while the service is gone for a second, five times."""
    stage, failures, end = Stage(world, upstream=upstream), [], threading.Event()
    place, served = stage.place(), []

    def come() -> None:
        while not end.is_set():
            try:
                with Visitor(world.engine, place) as visitor:
                    visitor.begin()
                    visitor.end()
                served.append(time.monotonic())
            except (OSError, Damaged) as error:
                failures.append(repr(error))
                # As a visitor's own patience.
                end.wait(0.05)

    threads = [threading.Thread(target=come, daemon=True) for _ in range(5)]
    for thread in threads:
        thread.start()
    longest = 0.0
    for _ in range(5):
        seen = len(served)
        until("visitors", lambda: len(served) >= seen + 20, 20)
        retire(world, stage.service)
        time.sleep(1)
        again(world, stage)
        began, seen = time.monotonic(), len(served)
        until("a visitor that is served", lambda: len(served) > seen, 30)
        longest = max(longest, served[seen] - began)
    end.set()
    for thread in threads:
        thread.join()
    report.did = (
        f"the service was gone for a second, five times, under five visitors at a time ({len(served)} were served)"
    )
    report.served_after(longest, 1.5)
    return stage, failures


def retire(world: World, service: Server) -> None:
    """As a service that restarts in order: it takes no more connections, and answers those that it has."""
    # A listener that closes resets those in its queue. So nothing comes to it first, and then it answers all of them.
    world.agent.refuse("output", f'oifname "lo" tcp dport {service.port}')
    until(
        "the answers to the last visitors",
        lambda: not select.select([service.listener], [], [], 0)[0] and not service.open,
        20,
    )
    with contextlib.suppress(OSError):
        service.listener.shutdown(socket.SHUT_RDWR)
    service.listener.close()
    world.agent.heal()


@case(THEME, "a service that restarts under load is served again at once", quick=True)
def upstream_restarts(world: World, report: Report) -> None:
    stage, failures = restarted(world, report, "")
    report.holds("visitors were turned away meanwhile", failures)
    stage.finish(report)


@case(THEME, "with holdTimeout no visitor notices that a service restarts", quick=True)
def upstream_restarts_held(world: World, report: Report) -> None:
    stage, failures = restarted(world, report, "holdTimeout: 10s")
    # Those that the old service had accepted and not read yet belong to it.
    report.holds("every visitor was served", not failures, f"{len(failures)}: {failures[:3]}")
    stage.finish(report)
