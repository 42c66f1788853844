# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""An engine, a daemon with tunnels and a listener, two services, and who visits them."""

from __future__ import annotations

import random
import re

from benchmark.stage import Stage
from load.connection import Endpoint
from load.crowd import Crowd
from load.daemon import Addresses, Daemon
from load.folder import Programs
from load.kinds import HELD, SHORT, Kind, echo, leave
from load.programs import Engine, Upstream, fixed_port
from load.tally import Tally

ALL_HELD = (*HELD, Kind("dialed through a listener", "local", echo, 40))
ALL_SHORT = (
    Kind("short TCP", "raw", echo, 50), Kind("short HTTP", "web", SHORT[1].act, 25),
    Kind("short, through a listener", "local", echo, 20), Kind("short TCP, reset by the visitor", "raw", leave, 5),
)  # fmt: skip
LINE = re.compile(r'^rstreamd_(listener_|)streams_total\{(?:tunnel|listener)="([^"]+)",outcome="([^"]+)"\} (\d+)', re.M)


def lives(random: random.Random) -> float:
    """A service that is restarted in order waits for its streams."""
    return random.uniform(1, 8)


class World:
    def __init__(self, stage: Stage, programs: Programs, seed: int, rate: float):
        self.random, self.seed, self.rate = random.Random(seed), seed, rate
        self.stage, self.tally, self.laps = stage, Tally(), 0
        self.upstreams = [Upstream(stage), Upstream(stage)]
        self.engine = Engine(stage, programs.engine)
        self.daemon = Daemon(stage, programs.folder, self.engine)
        self.addresses, self.local = Addresses.new(), fixed_port()
        self.crowd: Crowd | None = None

    async def start(self) -> None:
        self.configure()
        await self.daemon.start()
        await self.daemon.wait_until_ready()

    def configure(self, timeout: int = 5000, weight: int = 1, extra: list[str] = ()) -> None:
        """What a reload may change without touching a stream."""
        first, second = (upstream.address for upstream in self.upstreams)
        upstreams = (
            f"upstream: {{ connectTimeout: {timeout}ms }}, "
            f"upstreams: [{{ forward: '{first}', weight: {weight} }}, {{ forward: '{second}' }}]"
        )
        more = [f"name: {name}, forward: '{first}', tunnel: {{ publish: false }}" for name in extra]
        self.daemon.write(
            [*self.addresses.tunnels(upstreams), f"name: inner, {upstreams}, tunnel: {{ publish: false }}", *more],
            [f"name: local, listen: '127.0.0.1:{self.local}', dial: inner"],
            "reload: { changed: keep }\nlimits: { pendingStreams: 2000 }\n",
        )

    def gather(self) -> Crowd:
        """The visitors of a lap."""
        self.laps += 1
        endpoints = {**self.addresses.endpoints(self.engine), "local": Endpoint("127.0.0.1", self.local)}
        self.crowd = Crowd(
            endpoints, self.upstreams, held=ALL_HELD, short=ALL_SHORT, rate=self.rate, lives=lives,
            seed=self.seed + self.laps, tally=self.tally,
        )  # fmt: skip
        return self.crowd

    async def recover(self) -> None:
        """After whatever was done: all tunnels serve, and every held stream is alive."""
        await self.daemon.wait_until_ready()
        await self.crowd.wait_until_moved()

    async def outcomes(self) -> dict[str, dict[str, int]]:
        """The daemon's own count of streams that have ended, by tunnel or listener."""
        text = str(await self.daemon.call("GET", "/metrics"))
        found: dict[str, dict[str, int]] = {}
        for _, owner, outcome, count in LINE.findall(text):
            found.setdefault(owner, {})[outcome] = int(count)
        return found

    def completed(self, endpoint: str) -> int:
        """The visitors' count."""
        names = {kind.name for kind in (*ALL_HELD, *ALL_SHORT) if kind.endpoint == endpoint and kind.act is not leave}
        return sum(count for name, count in self.tally.completed.items() if name in names)
