# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""A name server that answers what a case wants, or nothing."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import Counter

from .waiting import until
from .world import Namespace

A, AAAA = 1, 28
NXDOMAIN, SERVFAIL = 3, 2


class NameServer:
    """`addresses` are those of every name. `mode` is `answer`, `silent`, `nxdomain`, `servfail`, `garbage`, or `late`,
    by `delay` seconds."""

    def __init__(self, host: Namespace, *addresses: str, mode: str = "answer"):
        self.addresses, self.mode, self.delay = list(addresses), mode, 0.0
        self.asked: Counter[int] = Counter()
        with host.entered():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind((host.address, 53))
        self.address = host.address
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            query, client = self.socket.recvfrom(4096)
            with contextlib.suppress(struct.error, IndexError, OSError):
                self.take(query, client)

    def take(self, query: bytes, client: object) -> None:
        end = 12
        while query[end]:
            end += query[end] + 1
        question = query[12 : end + 5]
        (kind,) = struct.unpack(">H", question[-4:-2])
        self.asked[kind] += 1
        answer = self.answer(query[:2], question, kind)
        if answer is None:
            return
        if self.mode == "late":
            timer = threading.Timer(self.delay, self.socket.sendto, (answer, client))
            timer.daemon = True
            timer.start()
        else:
            self.socket.sendto(answer, client)

    def answer(self, identity: bytes, question: bytes, kind: int) -> bytes | None:
        match self.mode:
            case "silent":
                return None
            case "garbage":
                return identity + bytes(range(256)) * 2
            case "nxdomain" | "servfail":
                code = NXDOMAIN if self.mode == "nxdomain" else SERVFAIL
                return identity + struct.pack(">HHHHH", 0x8180 | code, 1, 0, 0, 0) + question
        family = {A: socket.AF_INET, AAAA: socket.AF_INET6}.get(kind)
        found = [each for each in self.addresses if (":" in each) == (kind == AAAA)] if family else []
        records = b""
        for address in found:
            data = socket.inet_pton(family, address)
            records += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(data)) + data
        return identity + struct.pack(">HHHHH", 0x8180, 1, len(found), 0, 0) + question + records

    def wait_until_asked(self, patience: float = 30) -> None:
        until("a query for a name", lambda: sum(self.asked.values()), patience)
