# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Clients of the admin socket that dawdle, flood, and do not read."""

import contextlib
import itertools
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time

from ..case import Report, case
from ..programs import control
from ..stage import SETTINGS, Stage, write
from ..visitors import is_served
from ..waiting import until
from ..world import World

THEME = "Hostile clients of the admin socket"
# What a client may take for its headers.
HEADERS = 10
FILLER = bytes(65536)


def connect(stage: Stage, patience: float = 5) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(patience)
    connection.connect(str(stage.daemon.socket))
    return connection


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


@case(THEME, "clients that drip their headers are let go, and delay neither others nor visitors", quick=True)
def slow_headers(world: World, report: Report) -> None:
    stage = Stage(world)
    with stage.watched() as watch:
        began = time.monotonic()
        slow = [connect(stage) for _ in range(50)]
        left, answered, next_call = set(slow), [], began
        text = itertools.chain(b"GET /v1/status HTTP/1.1\r\nHost: rstreamd\r\nX-Slow: ", itertools.repeat(ord("a")))
        while left and time.monotonic() < began + 3 * HEADERS:
            byte = bytes([next(text)])
            for connection in list(left):
                with contextlib.suppress(OSError):
                    connection.setblocking(False)
                    connection.send(byte)
                if is_closed(connection):
                    left.discard(connection)
            if time.monotonic() > next_call:
                asked = time.monotonic()
                with contextlib.suppress(OSError):
                    if stage.daemon.call("GET", "/v1/status").status == 200:
                        answered.append(time.monotonic() - asked)
                next_call = time.monotonic() + 1
            time.sleep(0.2)
        seconds = time.monotonic() - began
    for connection in slow:
        connection.close()
    report.did = "fifty clients sent a byte of their headers every 0.2 s"
    report.outage = watch.longest
    report.holds(
        "all were let go within 15 s", not left and seconds < HEADERS + 5, f"{len(left)} left after {seconds:.1f} s"
    )
    report.holds("other calls were answered within a second", answered and max(answered) < 1, answered)
    report.holds("every visitor was served meanwhile", watch.served and not watch.failures, watch)
    stage.finish(report)


@case(THEME, "bodies and heads without end are refused before they are read", quick=True)
def huge_requests(world: World, report: Report) -> None:
    stage = Stage(world)
    before = stage.daemon.memory
    floods = {
        "a body of 10 GB": (b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n", FILLER),
        "a body in chunks without end": (
            b"PUT /v1/log HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1000\r\n" + bytes(4096) + b"\r\n",
        ),
        "a chunk of 2^64 bytes": (
            b"PUT /v1/log HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", FILLER
        ),
        "a header without end": (b"GET /v1/status HTTP/1.1\r\nX: ", b"a" * 65536),
        "headers without end": (b"GET /v1/status HTTP/1.1\r\n", b"X: y\r\n" * 8192),
        "a path without end": (b"GET /", b"a" * 65536),
        "no HTTP": (b"\x16\x03\x01\x02\x00\x01", bytes(range(256)) * 256),
        "a negative length": (b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", FILLER),
    }  # fmt: skip
    with stage.watched() as watch:
        for name, (first, more) in floods.items():
            sent, ended = 0, False
            with connect(stage, 15) as connection, contextlib.suppress(TimeoutError):
                try:
                    connection.sendall(first)
                    while sent < 20_000_000:
                        connection.sendall(more)
                        sent += len(more)
                except OSError as error:
                    ended = not isinstance(error, TimeoutError)
            report.holds(
                "each was ended before it had sent 2 MB", ended and sent < 2_000_000, f"{name}: {sent:,} bytes"
            )
            status = stage.daemon.call("GET", "/v1/status").status
            report.holds("the next call was answered", status == 200, f"{name}: {status}")
    grown = stage.daemon.memory - before
    report.did = f"requests with {', '.join(floods)}"
    report.outage = watch.longest
    report.holds("the memory grew by less than 16 MiB", grown < 16, f"{grown:.1f} MiB")
    report.holds("every visitor was served meanwhile", watch.served and not watch.failures, watch)
    stage.finish(report)


# Connects as often as it can for some seconds, says nothing, and holds the last ones; then says how often.
STRANGER = """
import collections, socket, sys, time
held, count, end = collections.deque(maxlen=5000), 0, time.monotonic() + 3
while time.monotonic() < end:
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    try:
        client.connect(sys.argv[1])
    except BlockingIOError:
        continue
    held.append(client)
    count += 1
print(count, flush=True)
sys.stdin.read()
"""
OTHER_USER = 65534


@case(THEME, "thousands of connections of another user are shed; root's calls and visitors do not notice", quick=True)
def thousands_of_clients(world: World, report: Report) -> None:
    runtime = world.folder / "run"
    runtime.mkdir()
    for place in (world.folder, runtime):
        place.chmod(0o711)
    stage = Stage(world, settings=f'{SETTINGS}\nadmin: {{ mode: "0666" }}')
    before, answered, calls = stage.daemon.memory, [], []
    words = [sys.executable, "-c", STRANGER, str(stage.daemon.socket)]
    stranger = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, user=OTHER_USER, group=OTHER_USER
    )
    try:
        with stage.watched() as watch:
            while not select.select([stranger.stdout], [], [], 0.2)[0]:
                began = time.monotonic()
                calls.append(control(world, "status").popen.wait(timeout=30))
                answered.append(time.monotonic() - began)
        made = int(stranger.stdout.readline())
        grown = stage.daemon.memory - before
    finally:
        stranger.kill()
        stranger.wait()
    began = time.monotonic()
    until("an answer", lambda: stage.daemon.call("GET", "/v1/status").status == 200, 30)
    seconds = time.monotonic() - began
    report.did = f"another user, who may use the socket, connected {made:,} times without a word, as fast as possible"
    report.outage = watch.longest
    report.holds("each `rstreamctl status` of root ended with 0", calls and not any(calls), calls)
    report.holds("it took less than 2 s", answered and max(answered) < 2, answered)
    report.holds("every visitor was served meanwhile", watch.served and not watch.failures, watch)
    # Clients that are turned away wait for a processor where others have it.
    report.holds("the memory grew by less than 48 MiB", grown < 48, f"{grown:.1f} MiB")
    report.holds("the socket answered within 2 s when they had gone", seconds < 2, f"{seconds:.1f} s")
    stage.finish(report)


@case(THEME, "reloads at full speed are taken one by one, and disturb no visitor", quick=True)
def reloads_at_full_speed(world: World, report: Report) -> None:
    stage = Stage(world)
    good = stage.text()
    visitor, statuses = stage.held(), []

    def reload() -> None:
        statuses.append(stage.daemon.reload().status)

    with stage.watched() as watch:
        for number in range(20):
            extra = f"  - {{ name: more{number % 2}, forward: 127.0.0.1:9, tunnel: {{ protocol: tcp }} }}\n"
            write(stage.configuration, good + extra)
            os.kill(stage.daemon.pid, signal.SIGHUP)
            threads = [threading.Thread(target=reload) for _ in range(10)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    report.did = "200 calls of reload, ten at a time, and 20 SIGHUP, while tunnels came and went"
    report.outage = watch.longest
    report.holds("all were taken", statuses.count(200) == 200, statuses[:20])
    report.holds("every visitor was served meanwhile", watch.served and not watch.failures, watch)
    stage.survives(report, visitor)
    stage.finish(report)


@case(THEME, "unread answers are bounded", quick=True)
def answers_unread(world: World, report: Report) -> None:
    stage = Stage(world)
    before, clients = stage.daemon.memory, []
    request = b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 500
    for _ in range(30):
        connection = connect(stage)
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            connection.send(request)
        clients.append(connection)
    began = time.monotonic()
    report.served_after(stage.first_served(began), 2)
    report.holds("other calls were answered", stage.daemon.call("GET", "/v1/status").status == 200)
    grown = stage.daemon.memory - before
    report.did = "thirty clients asked for the largest document 500 times each and read nothing"
    report.holds("the memory grew by less than 64 MiB", grown < 64, f"{grown:.1f} MiB")
    for connection in clients:
        connection.close()
    stage.finish(report)


@case(THEME, "readers of events that stop reading miss events, and delay no other client and no visitor", quick=True)
def event_readers_stop(world: World, report: Report) -> None:
    stage = Stage(world)
    before, readers, place = stage.daemon.memory, [], stage.place()
    for _ in range(32):
        connection = connect(stage)
        connection.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
        readers.append(connection)
    began = time.monotonic()
    served = sum(is_served(world.engine, place) for _ in range(1000))
    seconds = time.monotonic() - began
    grown = stage.daemon.memory - before
    report.did = f"32 readers of events read nothing while 1,000 visitors came, which took {seconds:.1f} s"
    report.holds("every visitor was served", served == 1000, served)
    report.holds("the memory grew by less than 48 MiB", grown < 48, f"{grown:.1f} MiB")
    report.holds("other calls were answered", stage.daemon.call("GET", "/v1/status").status == 200)
    # One of them reads on, and learns what it has missed, or was let go.
    seen = read_all(readers[0])
    told = b"events.missed" in seen or is_closed(readers[0])
    report.holds("who reads on is told what was missed, or was let go", told,
                 seen[-200:])  # fmt: skip
    for connection in readers:
        connection.close()
    stage.finish(report)


def read_all(connection: socket.socket) -> bytes:
    """What is there, and comes within a second of it."""
    data = b""
    with selectors.DefaultSelector() as selector:
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ)
        while selector.select(1):
            if not (part := connection.recv(1 << 20)):
                break
            data += part
    return data
