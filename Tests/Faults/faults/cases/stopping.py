# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The operator asks for something while a fault lasts: a stop, a reload, a state, an upgrade."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import time
from collections.abc import Callable, Iterator

from ..case import Report, case
from ..names import NameServer
from ..programs import control
from ..proxies import HTTPProxy
from ..stage import Stage
from ..visitors import Visitor
from ..waiting import Broken, until
from ..world import World

THEME = "Operators while a fault lasts"
NAME = "engine.faults.test"
# A stop may take `drain.timeout`, which is 1 s, and what is closed in order (5 s for the engine's answer).
STOP = 8
Fault = Callable[[World], contextlib.AbstractContextManager[Stage]]
FAULTS: dict[str, Fault] = {}


def fault(name: str) -> Callable[[Callable[[World], Iterator[Stage]]], None]:
    """Enters a fault, which lasts as long as its context."""

    def enter(body: Callable[[World], Iterator[Stage]]) -> None:
        FAULTS[name] = contextlib.contextmanager(body)

    return enter


@fault("the engine stands still")
def engine_stands_still(world: World) -> Iterator[Stage]:
    stage = Stage(world)
    stage.engine.stop()
    yield stage


@fault("the engine is gone")
def engine_gone(world: World) -> Iterator[Stage]:
    stage = Stage(world)
    stage.engine.kill()
    until("a session that is down", lambda: stage.daemon.session()["state"] != "online", 30)
    yield stage


@fault("a black hole")
def black_hole(world: World) -> Iterator[Stage]:
    stage = Stage(world)
    world.agent.drop("output", f'oifname "{world.agent.device}"')
    yield stage


@fault("a name server that is silent")
def silent_names(world: World) -> Iterator[Stage]:
    server = NameServer(world.engine, world.engine.address, mode="silent")
    world.agent.resolve_at(server.address)
    stage = Stage(world, host=NAME, starts=False)
    stage.start(ready=False)
    server.wait_until_asked()
    yield stage


@fault("a proxy that never answers")
def silent_proxy(world: World) -> Iterator[Stage]:
    proxy = HTTPProxy(world.engine)
    proxy.conduct = "never answers"
    stage = Stage(world, transport=f"proxy: {{ http: {proxy.place} }}", starts=False)
    stage.start(ready=False)
    until("an attempt", lambda: proxy.met, 20)
    yield stage


@fault("an engine that does not answer the open")
def open_unanswered(world: World) -> Iterator[Stage]:
    stage = Stage(world, engine=["--fault", "open-silence"], starts=False)
    stage.start(ready=False)
    until("an attempt", lambda: world.agent.connections(stage.engine.port), 20)
    yield stage


@fault("an engine that does not answer the tunnel")
def tunnel_unanswered(world: World) -> Iterator[Stage]:
    stage = Stage(world, engine=["--fault", "tunnel-silence"], starts=False)
    stage.start(ready=False)
    stage.daemon.logged("engine connected")
    yield stage


@fault("an upstream that hangs at connect, with a hundred visitors")
def upstream_hangs(world: World) -> Iterator[Stage]:
    stage = Stage(world)
    world.agent.drop("output", f'oifname "lo" tcp dport {stage.service.port}')
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(Visitor(world.engine, stage.known))
        yield stage


@fault("an unread log")
def log_unread(world: World) -> Iterator[Stage]:
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    stage = Stage(world, starts=False)
    stage.start(stderr=write, arguments=("--log-format", "json", "--log-level", "trace"))
    os.close(write)
    for _ in range(100):
        stage.visit()
    yield stage
    os.close(read)


@fault("no descriptors")
def no_descriptors(world: World) -> Iterator[Stage]:
    stage = Stage(world)
    # One for the operator's own connection.
    stage.daemon.limit_descriptors(stage.daemon.descriptors + 1)
    stage.is_served(patience=2)
    yield stage


@fault("a full disk")
def disk_full(world: World) -> Iterator[Stage]:
    disk = world.small_disk("disk", "64k")
    stage = Stage(world, state=disk)
    with contextlib.suppress(OSError):
        (disk / "filler").write_bytes(bytes(1 << 20))
    yield stage


@fault("no processor to speak of")
def no_processor(world: World) -> Iterator[Stage]:
    group = world.group("cpu", cfs_period_us=100_000, cfs_quota_us=5000)
    stage = Stage(world)
    (group / "cgroup.procs").write_text(str(stage.daemon.pid))
    yield stage


def each_fault(act: Callable[[str, Stage], None]) -> str:
    """One after the other, each in a world of its own."""
    for name, begin in FAULTS.items():
        with World() as world, begin(world) as stage:
            try:
                act(name, stage)
            except Broken as error:
                raise Broken(f"{name}: {error}") from error
    return f"while there was {', '.join(FAULTS)}"


@case(THEME, "SIGTERM stops the daemon in order within 8 s, whatever is wrong", quick=True, patience=240)
def stop_while_it_lasts(world: World, report: Report) -> None:
    seconds: dict[str, float] = {}

    def act(name: str, stage: Stage) -> None:
        began = time.monotonic()
        status = stage.daemon.terminate(60)
        seconds[name] = time.monotonic() - began
        report.holds("every stop was in order", status == 0, f"{name}: exit {status}: {stage.daemon.tail()}")
        report.holds(f"each took less than {STOP} s", seconds[name] < STOP, f"{name}: {seconds[name]:.1f} s")

    report.did = f"SIGTERM {each_fault(act)}; {max(seconds.values()):.1f} s at most"


@case(THEME, "two signals end the daemon at once, whatever is wrong", quick=True, patience=240)
def cut_while_it_lasts(world: World, report: Report) -> None:
    seconds: dict[str, float] = {}

    def act(name: str, stage: Stage) -> None:
        began = time.monotonic()
        stage.daemon.popen.terminate()
        # Two signals that are there at once are one.
        until("a stop that has begun", lambda: not stage.daemon.is_running or stopping(stage) or
              time.monotonic() > began + 0.5, 5)  # fmt: skip
        status = stage.daemon.terminate(60)
        seconds[name] = time.monotonic() - began
        report.holds("every stop was in order", status == 0, f"{name}: exit {status}: {stage.daemon.tail()}")
        report.holds("each took less than 5 s", seconds[name] < 5, f"{name}: {seconds[name]:.1f} s")

    report.did = f"SIGTERM twice {each_fault(act)}; {max(seconds.values()):.1f} s at most"


def stopping(stage: Stage) -> bool:
    return stage.daemon.count("stopping") > 0


@case(THEME, "a reload is taken and answered within 3 s, whatever is wrong", quick=True, patience=240)
def reload_while_it_lasts(world: World, report: Report) -> None:
    seconds: dict[str, float] = {}

    def act(name: str, stage: Stage) -> None:
        stage.more = "  - { name: more, forward: 127.0.0.1:9, tunnel: { protocol: tcp } }\n"
        stage.write()
        began = time.monotonic()
        answer = stage.daemon.reload(30)
        seconds[name] = time.monotonic() - began
        # Without descriptors no file can be read: refused, with the reason.
        wanted = (200, 422) if name == "no descriptors" else (200,)
        report.holds("every reload was taken", answer.status in wanted, f"{name}: {answer}")
        report.holds("each took less than 3 s", seconds[name] < 3, f"{name}: {seconds[name]:.1f} s")
        status = stage.daemon.call("GET", "/v1/status")
        report.holds("the state was shown", status.status == 200 and status.content["tunnels"], f"{name}: {status}")

    report.did = f"a reload with another tunnel {each_fault(act)}; {max(seconds.values()):.1f} s at most"


@case(THEME, "rstreamctl ends by itself when the daemon does not answer", quick=True)
def daemon_does_not_answer(world: World, report: Report) -> None:
    stage = Stage(world)
    stage.daemon.stop()
    calls = ("status", "tunnels", "streams", "events", "reconnect", "metrics", "log-level")
    programs = {name: control(world, name) for name in calls}
    began = time.monotonic()
    for name, program in programs.items():
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.popen.wait(timeout=max(0.1, began + 30 - time.monotonic()))
        report.holds("each call ended within 15 s", not program.is_running and time.monotonic() - began < 15, name)
        report.holds("each ended with 69: not reachable", program.popen.poll() == 69, f"{name}: {program.popen.poll()}")
    stage.daemon.resume()
    report.did = f"SIGSTOP of the daemon, and `rstreamctl` {', '.join(calls)}: {time.monotonic() - began:.1f} s at most"
    report.served_after(stage.first_served(time.monotonic()), 20)
    stage.finish(report)
