# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""What most cases begin with: an engine, a service, and a daemon with a tunnel `raw` that is open."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from . import visitors
from .case import DEFECTS, RESTARTED, RIGHT, SECRETS, SOON, STOPPED, Report
from .exchange import Plan
from .gate import Gate
from .programs import TOKEN, Daemon, Engine
from .services import Server, serve
from .visitors import Place, Visitor
from .waiting import Broken
from .world import World

# Short waits, so that what is measured is the daemon and not its backoff.
SETTINGS = "reconnect: { minimum: 200ms, maximum: 2s, rejected: 2s }\ndrain: { timeout: 1s }"
# The shortest that leaves room for a heartbeat each 5 seconds.
LIVENESS = 8
# What may come between the end of a fault and the next attempt: its backoff, and the attempt itself.
BACK = 5.0


def write(path: Path, text: str | bytes) -> Path:
    """A file that the daemon trusts, in the place of the one that is there."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(text.encode() if isinstance(text, str) else text)
    fresh.rename(path)
    return path


class Stage:
    """`gated` puts a gate before the engine; `upstream` and `properties` are of the tunnel `raw`, `transport` of the
    context, each in YAML between braces."""

    def __init__(
        self, world: World, *, engine: Sequence[str] = (), host: str = "", liveness: int = LIVENESS,
        gated: bool = False, settings: str = SETTINGS, forward: str = "", upstream: str = "",
        properties: str = "protocol: tcp", transport: str = "", address: str = "", more: str = "",
        service: Server | None = None, starts: bool = True, **daemon: object,
    ):  # fmt: skip
        self.world = world
        self.engine = Engine(world, ["--liveness-timeout", f"{liveness}s", *engine], host=host or "localhost")
        self.gate = Gate(world.engine, (world.engine.address, self.engine.port)) if gated else None
        self.service = service or Server(world.agent, serve)
        self.settings, self.properties, self.more = settings, properties, more
        self.forward, self.upstream = forward, upstream
        self.transport = transport or ("prewarm: { mode: off }" if gated else "")
        port = self.gate.port if self.gate else self.engine.port
        self.address = address or f"{host or world.engine.address}:{port}"
        self.configuration = world.folder / "rstreamd.yaml"
        self.write()
        if starts:
            self.start(**daemon)

    def text(self) -> str:
        parts = [part for part in (self.transport, f"tls: {{ caFile: {self.engine.authority} }}") if part]
        upstream = f"upstream: {{ {self.upstream} }}, " if self.upstream else ""
        forward = self.forward or f"forward: 127.0.0.1:{self.service.port}"
        return f"""version: 1
context: main
contexts:
  main:
    engine: {self.address}
    token: {TOKEN}
    transport: {{ {", ".join(parts)} }}
{self.settings}
tunnels:
  - {{ name: raw, {forward}, {upstream}tunnel: {{ {self.properties} }} }}
{self.more}"""

    def write(self) -> None:
        write(self.configuration, self.text())

    def start(self, ready: bool = True, **settings: object) -> None:
        self.daemon = Daemon(self.world, self.configuration, **settings)
        if ready:
            self.daemon.wait_until_ready()
            self.port = int(self.daemon.tunnel("raw")["properties"]["port"])

    # Visitors of the tunnel.

    def place(self) -> Place:
        """Where the tunnel is now, as the daemon says."""
        properties = self.daemon.tunnel("raw")["properties"]
        if "port" not in properties:
            raise ConnectionError("the tunnel is offline")
        return self.engine.address, int(properties["port"])

    @property
    def known(self) -> Place:
        """Where it was when the daemon started."""
        return self.engine.address, self.port

    def visit(self, plan: Plan | None = None, patience: float = 10) -> None:
        visitors.visit(self.world.engine, self.place(), plan, patience)

    def is_served(self, patience: float = 10, plan: Plan | None = None) -> bool:
        try:
            place = self.place()
        except ConnectionError:
            return False
        return visitors.is_served(self.world.engine, place, plan, patience)

    def first_served(self, since: float, patience: float = 60, each: float = 10) -> float:
        return visitors.first_served(self.world.engine, self.place, since, patience, each)

    def watched(self, each: float = 10):
        return visitors.watched(self.world.engine, self.place(), each)

    def held(self, plan: Plan | None = None, patience: float = 60) -> Visitor:
        """A visitor whose stream runs, and who has not sent all yet."""
        visitor = Visitor(self.world.engine, self.place(), plan, patience)
        visitor.begin()
        return visitor

    def survives(self, report: Report, visitor: Visitor, sentence: str = "a stream that ran lost no byte") -> None:
        try:
            visitor.end()
            report.holds(sentence, True)
        except Exception as error:  # Whatever a visitor's end can be.
            report.holds(sentence, False, repr(error))
        visitor.close()

    def lost(self, since: int, patience: float = 40) -> dict:
        return self.daemon.logged("session down, retrying", since, patience)

    # What holds at the end of every case.

    def finish(self, report: Report, *, complaints: Sequence[str] | None = None) -> None:
        """A visitor is served, no byte was wrong, and the daemon stops in order."""
        daemon = self.daemon
        report.holds(RESTARTED, daemon.is_running, daemon.tail())
        try:
            self.visit()
        except Exception as error:
            report.holds("a visitor was served in the end", False, repr(error))
        report.holds(RIGHT, not self.service.problems, self.service.problems[:3])
        finish(daemon, report, complaints=complaints)


def finish(daemon: Daemon, report: Report, *, complaints: Sequence[str] | None = None) -> None:
    defects = [line for line in daemon.lines if line["message"] in ("internal error", "daemon stalled")]
    report.holds(DEFECTS, not defects, defects)
    report.holds(SECRETS, TOKEN not in daemon.said)
    if complaints is not None:
        known = {*complaints, "admin socket group not found", "core dumps may contain secrets"}
        others = [
            entry for entry in daemon.lines
            if entry["level"] in ("warning", "error", "critical") and entry["message"] not in known
            and entry.get("code") is None
        ]  # fmt: skip
        report.holds("the log complains of nothing else", not others, others[:3])
    began = time.monotonic()
    try:
        status = daemon.terminate()
    except Broken as error:
        report.holds(STOPPED, False, str(error))
        return
    seconds = time.monotonic() - began
    report.holds(STOPPED, status == 0, f"exit {status}: {daemon.tail()}")
    report.holds(SOON, seconds < 15, f"{seconds:.1f} s")


def scripted_text(address: str, authority: Path, port: int, upstream: str = "") -> str:
    """A configuration for a scripted engine, with the tunnel `raw` to this port."""
    return f"""version: 1
context: main
contexts:
  main:
    engine: "{address}"
    token: {TOKEN}
    transport: {{ prewarm: {{ mode: off }}, tls: {{ caFile: {authority} }} }}
{SETTINGS}
tunnels:
  - {{ name: raw, forward: 127.0.0.1:{port}, upstream: {{ {upstream} }}, tunnel: {{ protocol: tcp }} }}
"""
