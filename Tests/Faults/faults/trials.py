# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""A scripted engine that does one harm after the other, with a visitor before and after each of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .case import RIGHT, Report
from .programs import Daemon
from .scripted import Channel, Ended, ScriptedEngine
from .services import Server, serve
from .stage import finish, scripted_text, write
from .waiting import Broken, until
from .world import World


@dataclass
class Harmful:
    """`act` sends what it likes; when the daemon ends the channel because of it, that is `Ended`."""

    name: str
    act: Callable[[Channel], None]
    began: float = 0.0
    harmed: float = 0.0
    served: float = 0.0
    ended: bool = False
    memory: float = 0.0
    problems: list[str] = field(default_factory=list)


class Trials:
    def __init__(self, world: World, harms: list[Harmful], *, service: Server | None = None, upstream: str = ""):
        self.harms, self.waiting = harms, list(harms)
        self.current: Harmful | None = None
        self.engine = ScriptedEngine(world, self.script)
        self.service = service or Server(world.agent, serve)
        path = world.folder / "rstreamd.yaml"
        place = f"{self.engine.address}:{self.engine.port}"
        write(path, scripted_text(place, self.engine.authority, self.service.port, upstream))
        self.daemon = Daemon(world, path)

    def script(self, channel: Channel) -> None:
        self.visit(channel)
        while self.waiting:
            self.current = harm = self.waiting.pop(0)
            harm.began = time.monotonic()
            try:
                harm.act(channel)
                channel.drain()
            except (Ended, TimeoutError) as error:
                harm.ended = True
                raise Ended(str(error)) from error
            finally:
                harm.harmed = time.monotonic()
                harm.memory = self.daemon.memory
            try:
                self.visit(channel)
            except Ended:
                harm.ended = True
                raise

    def visit(self, channel: Channel) -> None:
        channel.visit()
        if self.current and not self.current.served:
            self.current.served = time.monotonic()

    def judge(self, report: Report, limit: float, patience: float = 60, memory: float = 120) -> None:
        """Waits for all harms; the outage is from the end of each harm to the next visitor."""
        for harm in self.harms:
            until(f'a visitor after "{harm.name}"', lambda: harm.served or self.fail(), patience)
            report.served_after(harm.served - harm.harmed, limit)
            if harm.served - harm.harmed > limit:
                report.broken.append(f'that was after "{harm.name}"')
            report.holds(f"the memory stayed below {memory:.0f} MiB", harm.memory < memory,
                         f'{harm.memory:.0f} MiB after "{harm.name}"')  # fmt: skip
        report.holds("the engine's script met nothing unexpected", not self.engine.problems, self.engine.problems[:3])
        report.holds(RIGHT, not self.service.problems, self.service.problems[:3])
        report.holds("the log stayed below 1 MB", len(self.daemon.said) < 1_000_000, len(self.daemon.said))
        finish(self.daemon, report)

    def fail(self) -> bool:
        if not self.daemon.is_running:
            raise Broken(f"the daemon ended with {self.daemon.popen.returncode}: {self.daemon.tail(20)}")
        return False
