# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""An engine that follows a script of the case: the frames that it sends are whatever the case writes.

It opens control channels and tunnels as an engine does, then calls the script with the `Channel`. A script that returns
leaves the channel open; an exception in it ends the channel. Streams are asked for with `Channel.visit`.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from . import wire
from .exchange import GREETING, Damaged, Plan, content, read_exactly, verify
from .waiting import Broken
from .world import World, command

numbers = itertools.count(1)


def certificate(world: World, name: str = "scripted", subject: str = "IP:10.98.0.2,DNS:localhost") -> Path:
    """A file with a self-signed certificate and its key; the certificate alone is in `NAME.crt`."""
    key, public, both = (world.folder / f"{name}.{ending}" for ending in ("key", "crt", "pem"))
    command(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", f"/CN={name}", "-addext", f"subjectAltName={subject}", "-keyout", key, "-out", public,
    )  # fmt: skip
    both.write_text(key.read_text() + public.read_text())
    return both


class Ended(Exception):
    """The daemon has ended the channel."""


class Channel:
    """A control channel, which one thread reads and writes: that of the script."""

    def __init__(self, engine: ScriptedEngine, connection: ssl.SSLSocket):
        self.engine, self.connection = engine, connection
        self.unread = b""
        self.received: Counter[int] = Counter()
        # The answers to offers, by their streams.
        self.answers: dict[str, bytes] = {}
        self.tunnels: dict[str, str] = {}

    def send(self, data: bytes, patience: float = 20) -> None:
        """Raises `Ended` when the daemon has gone, and TimeoutError when it does not read."""
        self.connection.settimeout(patience)
        try:
            self.connection.sendall(data)
        except TimeoutError:
            raise
        except OSError as error:
            raise Ended(str(error)) from error

    def frame(self, patience: float) -> bytes | None:
        """The next frame's message, or None when none comes in time."""
        while not (len(self.unread) >= 4 and len(self.unread) >= 4 + int.from_bytes(self.unread[:4], "big")):
            self.connection.settimeout(max(patience, 0.001))
            try:
                part = self.connection.recv(65536)
            except (TimeoutError, ssl.SSLWantReadError):
                return None
            except OSError as error:
                raise Ended(str(error)) from error
            if not part:
                raise Ended("in order")
            self.unread += part
        length = int.from_bytes(self.unread[:4], "big")
        message, self.unread = self.unread[4 : 4 + length], self.unread[4 + length :]
        return message

    def pump(self, met: Callable[[], object] = lambda: False, patience: float = 30) -> bool:
        """Answers what comes until `met`, for as long as there is patience."""
        deadline = time.monotonic() + patience
        while not met():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if (message := self.frame(min(left, 0.05))) is not None:
                self.answer(message)
        return True

    def drain(self) -> None:
        """Answers what is there."""
        while (message := self.frame(0)) is not None:
            self.answer(message)

    def answer(self, message: bytes) -> None:
        for kind, body in wire.fields(message):
            self.received[kind] += 1
            if kind == wire.HEARTBEAT:
                sequence = wire.field(body, 1) or 0
                self.send(wire.frame(wire.HEARTBEAT, wire.number(2, sequence)))
            elif kind == wire.OPEN_TUNNEL:
                self.open_tunnel(wire.text(body, 1), wire.field(body, 2) or b"")
            elif kind == wire.CLOSE_TUNNEL:
                self.send(wire.frame(wire.TUNNEL_CLOSED, wire.chunk(1, wire.text(body, 1))))
            elif kind == wire.OFFER_ANSWER:
                self.answers[wire.text(body, 1)] = body
            elif kind == wire.CLOSE_CHANNEL:
                self.send(wire.frame(wire.CHANNEL_CLOSED))
                raise Ended("asked for")

    def open_tunnel(self, request: str, properties: bytes) -> None:
        name, identity = wire.text(properties, 3, 1), f"tunnel-{next(numbers)}"
        self.tunnels[name] = identity
        # The port is a fiction: visitors of this engine are its own.
        extra = wire.wrapped(23, 10000) if not wire.field(properties, 23) else b""
        self.send(wire.tunnel_open(request, identity, properties + extra))

    def wait_for_tunnel(self, name: str = "raw", patience: float = 30) -> str:
        if not self.pump(lambda: name in self.tunnels, patience):
            raise Broken(f"the daemon did not ask for the tunnel {name}")
        return self.tunnels[name]

    def visit(
        self, tunnel: str = "raw", plan: Plan | None = None, patience: float = 15, source: bytes | None = None
    ) -> None:
        """One visitor, who verifies every byte; the channel is answered meanwhile."""
        stream = f"stream-{next(numbers)}"
        plan = plan or Plan(next(numbers))
        self.send(wire.offer(self.wait_for_tunnel(tunnel), stream, source=source))
        if not self.pump(lambda: stream in self.engine.streams, patience):
            raise Broken(f"the daemon took no stream: {self.answers.get(stream)!r}")
        connection = self.engine.streams.pop(stream)
        connection.settimeout(patience)
        try:
            connection.sendall(plan.head)
            if (greeting := read_exactly(connection, 1)) != GREETING:
                raise Damaged(f"the service greets with {greeting!r}")
            for part in content(plan.seed, plan.up):
                connection.sendall(part)
            verify(connection, plan.seed + 1, plan.down)
        finally:
            with contextlib.suppress(OSError):
                connection.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.close()


Script = Callable[[Channel], None]


class ScriptedEngine:
    """`script` is called with each control channel, and may be changed."""

    def __init__(self, world: World, script: Script = lambda channel: None):
        self.script = script
        both = certificate(world)
        self.authority = both.with_suffix(".crt")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.load_cert_chain(both)
        self.context.set_alpn_protocols(["rstrm/1"])
        self.streams: dict[str, ssl.SSLSocket] = {}
        self.problems: list[str] = []
        with world.engine.entered():
            self.listener = socket.create_server((world.engine.address, 0), backlog=1024)
        self.address, self.port = self.listener.getsockname()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        connection.settimeout(20)
        try:
            secure = self.context.wrap_socket(connection, server_side=True)
            channel = Channel(self, secure)
            message = channel.frame(20)
        except (OSError, Ended):
            connection.close()
            return
        kind, body = next(iter(wire.fields(message or b"")), (0, b""))
        if kind == wire.PROXY:
            self.streams[wire.text(body, 2)] = secure
        elif kind == wire.OPEN_CHANNEL:
            self.run(channel, body)
        else:
            secure.close()

    def run(self, channel: Channel, request: bytes) -> None:
        try:
            channel.send(wire.channel_open(int(wire.field(request, 2, 1) or 5000)))
            channel.wait_for_tunnel()
            self.script(channel)
            channel.pump(patience=3600)
        except Ended:
            pass
        except Exception as error:
            # Else it would end with this thread.
            self.problems.append(repr(error))
        finally:
            channel.close()
