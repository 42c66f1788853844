# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Visitors at the engine's host: one, one that stays through a fault, and those that come until one is served."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .exchange import GREETING, Damaged, Plan, content, read_exactly, verify, verify_end
from .waiting import Broken
from .world import Namespace

Place = tuple[str, int]
# Between the visitors that come until one is served, and how many of them may wait at once.
PAUSE = 0.1
MOST = 60
seeds = itertools.count(1)


class Visitor:
    """A visitor's connection. Its parts are for cases that do something between them."""

    def __init__(self, host: Namespace, place: Place, plan: Plan | None = None, patience: float = 10):
        self.plan = plan or Plan(next(seeds))
        with host.entered():
            self.socket = socket.create_connection(place, timeout=patience)

    def begin(self) -> None:
        """Returns when the service has answered."""
        self.socket.sendall(self.plan.head)
        if (greeting := read_exactly(self.socket, 1)) != GREETING:
            raise Damaged(f"the service greets with {greeting!r}")

    def end(self) -> None:
        for part in content(self.plan.seed, self.plan.up):
            self.socket.sendall(part)
        self.socket.shutdown(socket.SHUT_WR)
        verify(self.socket, self.plan.seed + 1, self.plan.down)
        verify_end(self.socket)

    def abandon(self) -> None:
        """Wakes the thread that waits for it."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def visit(host: Namespace, place: Place, plan: Plan | None = None, patience: float = 10) -> None:
    """Raises unless the service serves and every byte is right."""
    with Visitor(host, place, plan, patience) as visitor:
        visitor.begin()
        visitor.end()


def is_served(host: Namespace, place: Place, plan: Plan | None = None, patience: float = 10) -> bool:
    with contextlib.suppress(OSError, Damaged):
        visit(host, place, plan, patience)
        return True
    return False


def first_served(
    host: Namespace, place: Callable[[], Place], since: float, patience: float = 60, each: float = 10,
    plan: Callable[[], Plan] | None = None,
) -> float:  # fmt: skip
    """Visitors come, ten in a second, until one is served; returns the seconds from `since` to that. Each has `each`
    seconds, so that one who is stuck in the fault hides none who come later."""
    served: list[float] = []
    done = threading.Event()
    threads: list[threading.Thread] = []
    present: set[Visitor] = set()

    def come() -> None:
        with contextlib.suppress(OSError, Damaged, LookupError, TypeError, ValueError):
            with Visitor(host, place(), plan() if plan else None, each) as visitor:
                present.add(visitor)
                visitor.begin()
                visitor.end()
                served.append(time.monotonic())
                done.set()

    deadline = time.monotonic() + patience
    while not done.is_set() and time.monotonic() < deadline:
        threads = [thread for thread in threads if thread.is_alive()]
        if len(threads) < MOST:
            threads.append(threading.Thread(target=come, daemon=True))
            threads[-1].start()
        done.wait(PAUSE)
    # No visitor is left when the case goes on.
    for visitor in list(present):
        visitor.abandon()
    for thread in threads:
        thread.join(each)
    if not served:
        raise Broken(f"no visitor was served within {patience:.0f} s")
    return max(0.0, min(served) - since)


@dataclass
class Watch:
    """What visitors saw who came one after the other through a fault that they should not notice."""

    served: int = 0
    failures: list[str] = field(default_factory=list)
    # The longest time without a visitor that was served, in seconds.
    longest: float = 0.0

    def __str__(self) -> str:
        failures = f"{len(self.failures)} were not {self.failures[:2]}"
        return f"{self.served} were served, {failures}, {self.longest:.1f} s at most"


@contextlib.contextmanager
def watched(host: Namespace, place: Place, each: float = 10, pause: float = 0.05) -> Iterator[Watch]:
    watch, end = Watch(), threading.Event()

    def come() -> None:
        last = time.monotonic()
        # One at least.
        while not watch.served or not end.wait(pause):
            try:
                visit(host, place, None, each)
                watch.served += 1
                now = time.monotonic()
                watch.longest, last = max(watch.longest, now - last), now
            except (OSError, Damaged) as error:
                watch.failures.append(repr(error))

    thread = threading.Thread(target=come, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        end.set()
        thread.join()
