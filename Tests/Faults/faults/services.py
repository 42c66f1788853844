# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Servers in threads of the case, on a host of its world, and the service that visitors want."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

from .exchange import GREETING, HEAD, Cut, Damaged, Plan, content, read_exactly, verify, verify_end
from .waiting import until
from .world import Namespace

Handler = Callable[[socket.socket], None]


def reset(connection: socket.socket) -> None:
    """Ends it by a reset."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Wakes a thread that reads; the descriptor lives until that has let it go.
        connection.shutdown(socket.SHUT_RD)
    connection.close()


class Server:
    """Calls `handler` with each connection, in a thread of its own, and closes it afterwards."""

    def __init__(
        self, host: Namespace, handler: Handler, *, address: str = "127.0.0.1", port: int = 0, backlog: int = 1024
    ):
        self.host, self.handler = host, handler
        self.problems: list[str] = []
        self.open: set[socket.socket] = set()
        self.taken = 0
        with host.entered():
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            self.listener = socket.create_server((address, port), family=family, backlog=backlog)
        self.place = (address, self.listener.getsockname()[1])
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def port(self) -> int:
        return self.place[1]

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.taken += 1
            self.open.add(connection)
            threading.Thread(target=self.handle, args=(connection,), daemon=True).start()

    def handle(self, connection: socket.socket) -> None:
        try:
            self.handler(connection)
        except Cut:
            # As a visitor that has lost patience leaves it.
            pass
        except Damaged as error:
            self.problems.append(str(error))
        except OSError:
            pass
        finally:
            self.open.discard(connection)
            with contextlib.suppress(OSError):
                connection.close()

    def stop(self) -> None:
        """Refuses from now on, and resets what is open."""
        # Closing it does not wake a thread that accepts.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                reset(connection)
        until("the end of what a server has open", lambda: not self.open, 10)


def serve(connection: socket.socket) -> None:
    """What visitors want; see `exchange`."""
    head = connection.recv(HEAD.size)
    if not head:
        # A visitor that went before it said anything.
        return
    plan = Plan.read(head + (read_exactly(connection, HEAD.size - len(head)) if len(head) < HEAD.size else b""))
    connection.sendall(GREETING)
    verify(connection, plan.seed, plan.up)
    for part in content(plan.seed + 1, plan.down):
        connection.sendall(part)
    connection.shutdown(socket.SHUT_WR)
    verify_end(connection)
