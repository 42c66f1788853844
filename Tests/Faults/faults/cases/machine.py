# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The machine has no descriptors, disk, memory or processor left."""

import contextlib
import os
import resource
import socket
import time
from collections.abc import Callable
from pathlib import Path

from ..case import Report, case
from ..exchange import CHUNK, Plan
from ..programs import Daemon
from ..services import Server, reset, serve
from ..stage import BACK, Stage
from ..visitors import Visitor, is_served
from ..waiting import until
from ..world import World, command

THEME = "The machine"


@case(THEME, "without descriptors visitors are turned away and streams go on; service is back with the first one",
      quick=True)  # fmt: skip
def descriptors_run_out(world: World, report: Report) -> None:
    stage = Stage(world)
    place = stage.place()
    visitor = stage.held(Plan(3, 500_000, 500_000))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    stage.daemon.limit_descriptors(stage.daemon.descriptors)
    turned_away = sum(not is_served(world.engine, place, patience=3) for _ in range(10))
    report.holds("visitors were turned away", turned_away == 10, turned_away)
    report.holds("the daemon goes on", stage.daemon.is_running, stage.daemon.tail())
    stage.survives(report, visitor)
    spent = processor_seconds(stage.daemon)
    with contextlib.suppress(OSError):
        # Until it is answered or turned away, for two seconds: nothing may spin meanwhile.
        stage.daemon.call("GET", "/v1/status", patience=2)
    spent = processor_seconds(stage.daemon) - spent
    report.holds("it does not spin", spent < 1, f"{spent:.1f} s of processor")
    stage.daemon.limit_descriptors(hard)
    report.did = "the limit of descriptors was lowered to what the daemon had open, for ten visitors"
    report.served_after(stage.first_served(time.monotonic()), BACK)
    stage.finish(report)


def processor_seconds(daemon: Daemon) -> float:
    fields = Path(f"/proc/{daemon.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@case(
    THEME,
    "with few descriptors the daemon takes as many streams as they are enough for, and refuses the rest",
    quick=True,
)
def few_descriptors(world: World, report: Report) -> None:
    stage = Stage(world, starts=False)
    stage.start(words=("prlimit", "--nofile=128:128"))
    visitors, refused = [], 0
    for _ in range(150):
        try:
            visitors.append(stage.held())
        except Exception:
            refused += 1
    report.holds("some were taken, others refused", visitors and refused, f"{len(visitors)} taken, {refused} refused")
    report.holds("the admin socket answered", stage.daemon.call("GET", "/v1/status").status == 200)
    stage.daemon.logged("streams refused", patience=20)
    report.holds("the log says so", True)
    for visitor in visitors:
        stage.survives(report, visitor, "those that were taken lost no byte")
    report.did = f"150 visitors of a daemon that may have 128 descriptors; {len(visitors)} were taken"
    report.served_after(stage.first_served(time.monotonic()), 1)
    stage.finish(report)


def stored(world: World, report: Report, harm: Callable[[Path], object], heal: Callable[[Path], object]) -> None:
    disk = world.small_disk("disk", "256k")
    stage = Stage(world, state=disk, more="  - { name: other, forward: 127.0.0.1:9, tunnel: { protocol: tcp } }\n")
    with stage.watched() as watch:
        harm(disk)
        mark = stage.daemon.mark
        answer = stage.daemon.call("POST", "/v1/tunnels/other/disable", {"untilEnabled": True})
        if answer.status == 202:
            stage.daemon.logged("disabled tunnels file write failed", mark, 20)
        report.holds("the log or the answer says that nothing can be stored", True)
    report.outage = watch.longest
    report.holds("every visitor was served meanwhile", not watch.failures, watch)
    # The times of the next attempts cannot be stored either.
    began = time.monotonic()
    stage.engine.ask("POST", "drop-control-channels")
    report.served_after(stage.first_served(began), BACK)
    heal(disk)
    for call in ("enable", "disable"):
        answer = stage.daemon.call(
            "POST", f"/v1/tunnels/other/{call}", {"untilEnabled": True} if call == "disable" else None
        )
        report.holds("calls were taken", answer.status == 202, answer)
    until("what is stored", lambda: "other" in (disk / "disabled.json").read_text(), 20)
    report.holds("once it could, the daemon stored everything again", True)
    stage.finish(report)


@case(THEME, "a full disk costs what would be stored, and no visitor", quick=True)
def disk_full(world: World, report: Report) -> None:
    def fill(disk: Path) -> None:
        with contextlib.suppress(OSError), (disk / "filler").open("wb") as file:
            while True:
                file.write(bytes(4096))
                file.flush()

    stored(world, report, fill, lambda disk: (disk / "filler").unlink())
    report.did = "the disk of the state directory was full, while a tunnel was disabled and a session reconnected"


@case(THEME, "a read-only disk costs what would be stored, and no visitor", quick=True)
def disk_read_only(world: World, report: Report) -> None:
    stored(
        world, report, lambda disk: command("mount", "-o", "remount,ro", disk),
        lambda disk: command("mount", "-o", "remount,rw", disk),
    )  # fmt: skip
    report.did = "the state directory was read-only, while a tunnel was disabled and a session reconnected"


@case(THEME, "a daemon with little memory refuses streams in time, and is not killed", quick=True)
def memory_limited(world: World, report: Report) -> None:
    group = world.group("memory", limit_in_bytes=96 << 20)
    floods = [True]

    def answer(connection: socket.socket) -> None:
        if not floods:
            return serve(connection)
        while True:
            connection.sendall(bytes(CHUNK))

    def join() -> None:
        (group / "cgroup.procs").write_text(str(os.getpid()))

    stage = Stage(world, service=Server(world.agent, answer), starts=False)
    stage.start(before=join)
    visitors = []
    for _ in range(300):
        with contextlib.suppress(OSError):
            visitors.append(Visitor(world.engine, stage.place(), patience=3))
    until("streams", lambda: len(stage.service.open) > 5, 20)
    time.sleep(2)
    open_streams = len(stage.service.open)
    used = int((group / "memory.max_usage_in_bytes").read_text()) >> 20
    report.holds("it lives", stage.daemon.is_running, stage.daemon.popen.poll())
    report.holds("streams were refused before the memory was used up", open_streams < 250, f"{open_streams} are open")
    for visitor in visitors:
        reset(visitor.socket)
    floods.clear()
    report.did = f"300 visitors who did not read, and a limit of 96 MiB: {open_streams} streams, {used} MiB at most"
    report.served_after(stage.first_served(time.monotonic()), BACK)
    stage.finish(report)


@case(THEME, "a daemon that gets a fiftieth of a processor stays online, and serves as fast as it can")
def processor_starved(world: World, report: Report) -> None:
    group = world.group("cpu", cfs_period_us=100_000)
    stage = Stage(world)
    mark = stage.daemon.mark
    (group / "cgroup.procs").write_text(str(stage.daemon.pid))
    (group / "cpu.cfs_quota_us").write_text("2000")
    with stage.watched(each=20) as watch:
        began = time.monotonic()
        until("visitors for 20 s", lambda: time.monotonic() > began + 20, 30)
    (group / "cpu.cfs_quota_us").write_text("-1")
    report.did = f"2 ms of processor in each 100 ms, for 20 s; {watch.served} visitors were served"
    report.outage = watch.longest
    report.holds("every visitor was served", watch.served and not watch.failures, watch)
    report.holds("none waited longer than 5 s", watch.longest < 5, watch)
    report.holds("the session stayed", not stage.daemon.count("session down, retrying", mark))
    stage.finish(report)
