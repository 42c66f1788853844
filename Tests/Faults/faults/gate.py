# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""A TCP proxy in front of an engine that harms the connections through it, at a TLS record that is chosen.

TLS carries each message of the control channel in a record of its own, so a record's number is that of a message: the
handshake has the first ones. `up` is towards the engine.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field

from .services import reset
from .waiting import until
from .world import Namespace

RECORD_HEAD = 5
CHUNK = 65536


@dataclass(frozen=True)
class Harm:
    """What happens to a connection once so many records have passed in a direction:
    `reset` at both ends; `cut`, both ends are closed in order; `stall`, nothing passes any more, and both stay open;
    `swallow`, that direction loses everything from then on; `halve`, the next record ends in its middle, then `cut`."""

    action: str
    direction: str
    records: int

    def __str__(self) -> str:
        return f"{self.action} after {self.records} records {self.direction}"


@dataclass
class Passage:
    """One connection through the gate, at both of its ends."""

    near: socket.socket
    far: socket.socket
    harm: Harm | None
    struck: threading.Event = field(default_factory=threading.Event)
    # Set where nothing is to pass.
    stalled: threading.Event = field(default_factory=threading.Event)
    passed: dict[str, int] = field(default_factory=lambda: {"up": 0, "down": 0})

    def reset(self) -> None:
        reset(self.near)
        reset(self.far)

    def close(self) -> None:
        for end in (self.near, self.far):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Gate:
    def __init__(self, host: Namespace, engine: tuple[str, int]):
        self.host, self.engine = host, engine
        self.armed: list[Harm] = []
        self.passages: list[Passage] = []
        with host.entered():
            self.listener = socket.create_server((host.address, 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.accepted = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def arm(self, harm: Harm) -> None:
        """The next connection gets this harm."""
        self.armed.append(harm)

    def struck(self, harm: Harm) -> Passage | None:
        return next((each for each in self.passages if each.harm is harm and each.struck.is_set()), None)

    def wait_until_struck(self, harm: Harm, patience: float = 30) -> Passage:
        return until(f"the harm ({harm})", lambda: self.struck(harm), patience)

    def accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            harm = self.armed.pop(0) if self.armed else None
            threading.Thread(target=self.open, args=(near, harm), daemon=True).start()

    def open(self, near: socket.socket, harm: Harm | None) -> None:
        try:
            with self.host.entered():
                far = socket.create_connection(self.engine, timeout=10)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        passage = Passage(near, far, harm)
        self.passages.append(passage)
        down = threading.Thread(target=self.carry, args=(passage, "down", far, near), daemon=True)
        down.start()
        self.carry(passage, "up", near, far)
        down.join()
        if not passage.stalled.is_set():
            near.close()
            far.close()

    def carry(self, passage: Passage, direction: str, source: socket.socket, sink: socket.socket) -> None:
        """Record by record."""
        harm = passage.harm if passage.harm and passage.harm.direction == direction else None
        unread, swallows = b"", False
        try:
            if harm and harm.records == 0 and harm.action != "swallow":
                self.strike(passage, harm, sink, b"")
                return
            while part := source.recv(CHUNK):
                if passage.stalled.is_set():
                    return
                unread += part
                while (end := self.length(unread)) and len(unread) >= end:
                    record, unread = unread[:end], unread[end:]
                    if swallows or (harm and harm.records <= passage.passed[direction]):
                        if not swallows:
                            self.strike(passage, harm, sink, record)
                        if harm.action != "swallow":
                            return
                        swallows = True
                        continue
                    sink.sendall(record)
                    passage.passed[direction] += 1
                if harm and harm.records == passage.passed[direction] and harm.action in ("reset", "cut", "stall"):
                    self.strike(passage, harm, sink, b"")
                    return
            if not passage.stalled.is_set():
                sink.shutdown(socket.SHUT_WR)
        except OSError:
            if not passage.stalled.is_set():
                passage.reset()

    @staticmethod
    def length(unread: bytes) -> int:
        return RECORD_HEAD + int.from_bytes(unread[3:5], "big") if len(unread) >= RECORD_HEAD else 0

    @staticmethod
    def strike(passage: Passage, harm: Harm, sink: socket.socket, record: bytes) -> None:
        if harm.action == "stall":
            passage.stalled.set()
        elif harm.action == "reset":
            passage.reset()
        elif harm.action == "cut":
            passage.close()
        elif harm.action == "halve":
            sink.sendall(record[: len(record) // 2])
            passage.close()
        passage.struck.set()
