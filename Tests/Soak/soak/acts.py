# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""What is done to a running daemon and to what is around it, under load. Each comes when the one before is over."""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmark.stage import Failure
from load.connection import Endpoint
from load.crowd import Crowd
from load.kinds import Kind, echo

from .world import World

BY_HAND = 20


async def restart_engine(world: World) -> None:
    await world.engine.restart()


async def drop_channels(world: World) -> None:
    await world.engine.call("POST", "/api/dev/drop-control-channels")


async def restart_service(world: World) -> None:
    await world.random.choice(world.upstreams).restart()


async def kill_service(world: World) -> None:
    await world.random.choice(world.upstreams).restart(signal.SIGKILL)


async def cut_stream(world: World) -> None:
    # One may end meanwhile.
    with contextlib.suppress(ValueError):
        streams = await world.daemon.call("GET", "/v1/streams")
        await world.daemon.call("DELETE", f"/v1/streams/{world.random.choice(streams)['id']}")


async def reload(world: World) -> None:
    extra = [f"extra{number}" for number in range(world.random.randint(0, 5))]
    world.configure(world.random.randint(2000, 9000), world.random.randint(1, 5), extra)
    reply = await world.daemon.reload()
    if reply["outcome"] not in ("applied", "unchanged"):
        raise Failure(f"a reload is {reply['outcome']}")


async def take_over(world: World) -> None:
    before = await world.daemon.pid()
    world.daemon.install_version()
    outcome = await world.daemon.upgrade()
    if outcome.status or await world.daemon.pid() == before:
        raise Failure(f"no program has taken over: {outcome.errors.strip()}")


async def publish(world: World) -> None:
    """A tunnel by hand, for as long as its command runs."""
    process = await asyncio.create_subprocess_exec(
        world.daemon.programs / "rstreamctl", "--socket", world.daemon.folder / "admin.sock", "publish",
        str(world.upstreams[0].port), "--protocol", "tcp", "--name", "by-hand",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    # A line for each visitor follows; all of them are read, or the command would wait.
    errors = asyncio.create_task(process.stderr.read())
    try:
        async with asyncio.timeout(30):
            line = (await process.stdout.readline()).decode()
            found = re.match(r"[^ :]+:(\d+) ", line)
            if not found:
                raise Failure(f"publish says {line!r}")
            rest = asyncio.create_task(process.stdout.read())
            endpoints = {"raw": Endpoint("127.0.0.1", int(found[1]))}
            seed = world.random.randrange(1 << 32)
            visitors = Crowd(endpoints, world.upstreams, held=(), tally=world.tally, seed=seed)
            kind = Kind("short TCP, published by hand", "raw", echo, 1)
            await asyncio.gather(*(visitors.visit(kind) for _ in range(BY_HAND)))
            process.send_signal(signal.SIGINT)
            await asyncio.gather(rest, errors)
            await process.wait()
    except TimeoutError:
        raise Failure("a tunnel by hand does not come, or does not go, within 30 s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@dataclass(frozen=True)
class Act:
    name: str
    do: Callable[[World], Awaitable[None]]
    weight: int
    # How many streams it may cut.
    cuts: float = 0


ACTS = (
    Act("the engine is killed and started again", restart_engine, 1, math.inf),
    Act("control channels are dropped", drop_channels, 2),
    Act("a service is restarted in order", restart_service, 2),
    Act("a service is killed and started again", kill_service, 1, math.inf),
    Act("a stream is cut by its operator", cut_stream, 3, 1),
    Act("a reload with changes", reload, 4),
    Act("a tunnel by hand", publish, 2),
)
TAKE_OVER = Act("a program takes over", take_over, 2)


async def perform(act: Act, world: World) -> None:
    """Returns when everything is as before."""
    bounded = act.cuts < math.inf
    excuse = world.crowd.excused(act.name, bounded) if act.cuts else contextlib.nullcontext()
    with excuse:
        await act.do(world)
        await world.recover()
