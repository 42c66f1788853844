# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""What the daemon says is not read."""

import fcntl
import os
import socket
import subprocess
import threading
import time

from ..case import Report, case
from ..programs import control
from ..stage import Stage
from ..visitors import is_served
from ..waiting import until
from ..world import World

THEME = "Unread logs and events"
F_SETPIPE_SZ = 1031
VISITORS = 1500


def visit(world: World, stage: Stage) -> int:
    place = stage.place()
    return sum(is_served(world.engine, place) for _ in range(VISITORS))


@case(THEME, "a log that blocks delays no visitor, and says later how many lines are missing", quick=True)
def log_pipe_blocks(world: World, report: Report) -> None:
    read, write = os.pipe()
    fcntl.fcntl(write, F_SETPIPE_SZ, 4096)
    stage = Stage(world, starts=False)
    stage.start(stderr=write, arguments=("--log-format", "json", "--log-level", "trace"))
    os.close(write)
    before, began = stage.daemon.memory, time.monotonic()
    served = visit(world, stage)
    report.did = f"standard error was an unread pipe, at level trace, while {VISITORS} visitors came"
    report.outage = 0.0
    report.holds("every visitor was served", served == VISITORS, f"{served} in {time.monotonic() - began:.1f} s")
    grown = stage.daemon.memory - before
    report.holds("the memory grew by less than 16 MiB", grown < 16, f"{grown:.1f} MiB")
    said = bytearray()

    def read_on() -> None:
        while part := os.read(read, 65536):
            said.extend(part)

    threading.Thread(target=read_on, daemon=True).start()
    until("the number of missing lines", lambda: b"log lines dropped" in said, 20)
    report.holds("the log said how many lines are missing", True)
    stage.finish(report)


@case(THEME, "a journal that stands still delays no visitor, and no stop", quick=True)
def journal_blocks(world: World, report: Report) -> None:
    folder = world.folder / "journal"
    folder.mkdir()
    journals = []
    for name, kind in (("socket", socket.SOCK_DGRAM), ("stdout", socket.SOCK_STREAM), ("dev-log", socket.SOCK_DGRAM)):
        journal = socket.socket(socket.AF_UNIX, kind)
        journal.bind(str(folder / name))
        if kind == socket.SOCK_STREAM:
            journal.listen()
        journals.append(journal)
    # A journal of its own for the daemon, in the place of this host's.
    script = 'mount -t tmpfs none /run && mkdir -p "$1" && mount --bind "$0" "$1" && shift && exec "$@"'
    stage = Stage(world, starts=False)
    stage.start(
        words=("unshare", "--mount", "--propagation", "private", "sh", "-c", script, folder,
               "/run/systemd/journal"),
        arguments=("--log-format", "journal", "--log-level", "trace"),
    )  # fmt: skip
    served = visit(world, stage)
    journals[0].setblocking(False)
    lines = 0
    while True:
        try:
            journals[0].recv(1 << 18)
            lines += 1
        except BlockingIOError:
            break
    report.did = f"the journal's socket took {lines} lines and no more, at level trace, while {VISITORS} visitors came"
    report.outage = 0.0
    report.holds("the journal was in use", lines > 0, lines)
    report.holds("every visitor was served", served == VISITORS, served)
    stage.finish(report)


@case(THEME, "an unread tail of events delays no visitor", quick=True)
def events_tail_unread(world: World, report: Report) -> None:
    stage = Stage(world)
    tail = control(world, "events", "--follow", stdout=subprocess.PIPE)
    stopped = control(world, "-o", "json", "events", "--follow", stdout=subprocess.PIPE)
    until(
        "a first event",
        lambda: len(stopped.popen.stdout.peek(1)) > 0 or is_served(world.engine, stage.place()) and False,
        20,
    )
    stopped.stop()
    before = stage.daemon.memory
    served = visit(world, stage)
    grown = stage.daemon.memory - before
    report.did = f"`rstreamctl events --follow` into an unread pipe, and another one at SIGSTOP; {VISITORS} visitors"
    report.outage = 0.0
    report.holds("every visitor was served", served == VISITORS, served)
    report.holds("the memory grew by less than 16 MiB", grown < 16, f"{grown:.1f} MiB")
    report.holds("the tail waits, and has not failed", tail.is_running, tail.said)
    tail.kill()
    stopped.kill()
    stage.finish(report)
